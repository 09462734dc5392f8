/** InstallRecurData (notes on SET, "Common data"): instalments or recurring payments the cardholder agreed to; the same in order, instruction and authorization. */
import { choice, explicit, generalizedTime, type Infer, sequence, smallInteger } from '../../codec/der.ts';
import { extensionsField } from './message-extension.ts';

export const installRecurDataType = sequence({
  installRecurInd: choice({
    installTotalTrans: explicit(0, smallInteger({ min: 2, max: 999 })),
    /** Days between payments; 28 stands for a month. */
    recurring: explicit(1, sequence({ frequency: smallInteger({ min: 1, max: 366 }), expiry: generalizedTime() })),
  }),
  irExtensions: extensionsField(0),
});
export type InstallRecurData = Infer<typeof installRecurDataType>;
