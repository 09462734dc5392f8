/** Identities as a person types them: the beginning is enough where only one begins so. */
import { HandselError } from '../../handsel-error.ts';

const MOST_SHOWN = 5;

/** @throws HandselError with the code `unknown` when none begins so, `IDENTITY_AMBIGUOUS` when several do */
export function fullIdentity(
  given: string,
  all: Iterable<string>,
  { what, unknown }: { readonly what: string; readonly unknown: string },
): string {
  const begun: string[] = [];
  for (const identity of all) {
    if (identity === given) return identity;
    if (given !== '' && identity.startsWith(given)) begun.push(identity);
  }
  if (begun.length === 1) return begun[0]!;
  if (begun.length === 0) throw new HandselError(unknown, `there is no ${what} ${given}`);
  const shown = `${begun.slice(0, MOST_SHOWN).join(', ')}${begun.length > MOST_SHOWN ? ', …' : ''}`;
  throw new HandselError(
    'IDENTITY_AMBIGUOUS',
    `${begun.length} ${what}s begin with ${given}: ${shown}; write more of it`,
  );
}
