/** Who can see what: the table of docs/privacy.md, each cell of which is a test. */

export const roles = ['customer', 'account manager', 'acquirer', 'merchant', 'network', 'arbiter'] as const;
export type Role = (typeof roles)[number];

/**
 * `sees`: in so many words. `computes`: it is said nowhere, and follows from what is. `first`: of the first purchase only. `no`: it is
 * nowhere, in no encoding.
 */
export type Sees = 'sees' | 'computes' | 'first' | 'no';

export const data = [
  'customer’s name',
  'customer’s account and credit',
  'customer’s certificate and lasting key',
  'customer’s operator',
  'temporary key',
  'identifier of the session',
  'merchant’s name',
  'what was asked for',
  'what was answered',
  'digest of a request',
  'price of a purchase',
  'number of purchases',
  'total',
  'head of the list',
  'deposit in the customer’s currency',
  'deposit in the merchant’s currency',
  'exchange rate',
  'time of each purchase',
  'begin and end of a deposit',
  'customer’s network address',
] as const;
export type Datum = (typeof data)[number];

const row = (...cells: readonly [Sees, Sees, Sees, Sees, Sees, Sees]) =>
  Object.fromEntries(roles.map((role, at) => [role, cells[at]!])) as Readonly<Record<Role, Sees>>;

export const seenBy: Readonly<Record<Datum, Readonly<Record<Role, Sees>>>> = {
  'customer’s name': row('sees', 'sees', 'no', 'no', 'no', 'no'),
  'customer’s account and credit': row('sees', 'sees', 'no', 'no', 'no', 'no'),
  'customer’s certificate and lasting key': row('sees', 'sees', 'no', 'no', 'no', 'no'),
  'customer’s operator': row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  'temporary key': row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  'identifier of the session': row('no', 'sees', 'sees', 'sees', 'no', 'no'),
  'merchant’s name': row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  'what was asked for': row('sees', 'no', 'no', 'sees', 'no', 'no'),
  'what was answered': row('sees', 'no', 'no', 'sees', 'no', 'no'),
  'digest of a request': row('sees', 'no', 'no', 'sees', 'no', 'sees'),
  'price of a purchase': row('sees', 'first', 'no', 'sees', 'no', 'sees'),
  'number of purchases': row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  total: row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  'head of the list': row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  'deposit in the customer’s currency': row('sees', 'sees', 'sees', 'computes', 'no', 'computes'),
  'deposit in the merchant’s currency': row('sees', 'sees', 'sees', 'sees', 'no', 'computes'),
  'exchange rate': row('sees', 'sees', 'sees', 'sees', 'no', 'sees'),
  'time of each purchase': row('sees', 'no', 'no', 'sees', 'sees', 'no'),
  'begin and end of a deposit': row('sees', 'sees', 'sees', 'sees', 'sees', 'sees'),
  'customer’s network address': row('sees', 'sees', 'no', 'sees', 'sees', 'no'),
};

/** As it stands in the document. */
export function seenTable(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const shown = (sees: Sees) => (sees === 'no' ? '–' : sees);
  return [
    line(['', ...roles]),
    line(['', ...roles].map(() => '---')).replaceAll(' ', ''),
    ...data.map((datum) => line([datum, ...roles.map((role) => shown(seenBy[datum][role]))])),
  ].join('\n');
}
