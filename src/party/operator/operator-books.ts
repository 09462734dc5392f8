/** Brings the hosts of an operator in line with its configuration, at every start: accounts, merchants, cards, the stop-list. */
import type { Host } from '../../journal/host.ts';
import type { AcquirerInput } from '../../set/interchange/acquirer-host.ts';
import type { IssuerInput } from '../../set/interchange/issuer-host.ts';
import { type OperatorConfiguration, readJsonFile } from '../configuration/configuration.ts';
import { issuedCards } from '../configuration/issued-cards.ts';

/** A merchant that is no longer in the configuration is not served any more. */
export async function setUpAcquirer(
  host: Pick<Host<{ readonly merchants: ReadonlyMap<string, boolean> }, AcquirerInput>, 'submit' | 'state'>,
  { acquirer, currencies }: OperatorConfiguration,
): Promise<void> {
  const listed = new Set(acquirer.merchants.map(({ id }) => id));
  const gone = [...host.state.merchants].filter(([id, active]) => active && !listed.has(id)).map(([id]) => id);
  await Promise.all([
    host.submit({ type: 'set-up', currencies }),
    ...acquirer.merchants.map(({ id, currencies: own }) =>
      host.submit({ type: 'merchant', merchantId: id, currencies: own, active: true }),
    ),
    ...gone.map((merchantId) => host.submit({ type: 'merchant', merchantId, currencies: [], active: false })),
  ]);
}

/** @throws ConfigurationError when the file of cards cannot be read. */
export async function setUpIssuer(
  host: Pick<Host<unknown, IssuerInput>, 'submit'>,
  { acquirer, issuer, interchange, currencies }: OperatorConfiguration,
  path: (relative: string) => string,
): Promise<void> {
  const acquirerIds = [acquirer.id, ...interchange.operators.map(({ acquirerId }) => acquirerId)];
  const cards = readJsonFile(path(issuer.cards), issuedCards);
  await Promise.all([
    host.submit({ type: 'set-up', acquirerIds, currencies }),
    ...cards.flatMap((card) => {
      const { pan, account, currency, creditMinor, stopped } = card;
      const credit = BigInt(creditMinor);
      const terms = {
        account,
        expiry: card.expiry.slice(2),
        perTransactionMinor: BigInt(card.perTransactionMinor ?? creditMinor),
        perDayMinor: BigInt(card.perDayMinor ?? creditMinor),
      };
      // In this order: the host takes inputs one after the other, and one flush serves them all.
      return [
        host.submit({ type: 'open-account', account, currency, creditLine: credit }),
        host.submit({ type: 'issue-card', pan, terms }),
        host.submit({ type: 'stop-card', pan, stopped }),
      ];
    }),
  ]);
}
