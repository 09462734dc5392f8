/**
 * The identity of selected merchandise (US 5,671,280, figures 12 and 15), as both host sides are told it: a type of ticket, and fields by which
 * this one is known among what the merchant sells.
 */
import { row } from '../../codec/row-shape.ts';
import { dictionary, oneOf, type Shaped, textOrWhole } from '../../codec/shape.ts';

/** What is bought: credentials are acquired (figure 26), the other papers are exchanged. */
const merchandiseTypes = ['decryption', 'transportation', 'event', 'communications', 'receipt'] as const;

export const selectionShape = row({
  type: oneOf(...merchandiseTypes),
  fields: dictionary(textOrWhole(), { max: 16 }),
});
export type Selection = Shaped<typeof selectionShape>;

export function isSameSelection(a: Selection, b: Selection): boolean {
  const [own, theirs] = [a, b].map(({ type, fields }) =>
    JSON.stringify([type, Object.entries(fields).toSorted(([x], [y]) => (x < y ? -1 : 1))]),
  );
  return own === theirs;
}
