/**
 * The token an agent carries (EP 1 006 469, claims 5 and 6, paragraphs 0018 and 0019): it encapsulates the authorisation code
 * that opens the wallet, encrypted under a random key made at the station anew for each item to be bought.
 */
import { utf8 } from '../../codec/hex.ts';
import { bytes, oneOf, record, type Shaped, text } from '../../codec/shape.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal } from '../../crypto/sealing.ts';

export const tokenShape = record({
  /** Which item of the mandate it pays for. */
  itemId: text({ min: 1, max: 64 }),
  /** `sealed` under the item key, which stays at the station; `plain` only ever on the station's own platform. */
  protection: oneOf('sealed', 'plain'),
  body: bytes({ min: 1, max: 256 }),
});

export type Token = Shaped<typeof tokenShape>;

interface TokenBinding {
  readonly itemKey: Uint8Array;
  readonly mandateId: string;
  readonly itemId: string;
}

function binding(options: TokenBinding): Uint8Array {
  return utf8(`${options.mandateId} ${options.itemId}`);
}

export function sealToken(options: TokenBinding & { readonly code: Uint8Array; readonly random: Random }): Token {
  const { itemKey: key, code: plaintext, random, itemId } = options;
  return { itemId, protection: 'sealed', body: seal({ key, plaintext, associatedData: binding(options), random }) };
}

/** The lighter protection for a platform on the customer's own machine (paragraph 0018): the code itself. */
export function plainToken(options: { readonly itemId: string; readonly code: Uint8Array }): Token {
  return { itemId: options.itemId, protection: 'plain', body: options.code };
}

/** The authorisation code. @throws CryptographicError when key, mandate or item are not those it was sealed for */
export function openToken(token: Token, options: Omit<TokenBinding, 'itemId'>): Uint8Array {
  if (token.protection === 'plain') return token.body;
  const { itemKey: key } = options;
  return open({ key, sealed: token.body, associatedData: binding({ ...options, itemId: token.itemId }) });
}
