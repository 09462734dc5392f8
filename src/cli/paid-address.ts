/** Where something that is paid for stands: a URL, or a merchant of this network with a path, such as `atlas/paid/country-facts`. */
import { InvalidArgumentError } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { parseNano } from '../money/nano.ts';
import { readNetwork } from '../party/configuration/network-home.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';

/** @throws HandselError `SELLER_UNKNOWN`, `URL_MALFORMED` */
export function paidAddress(given: string, options: GlobalOptions): string {
  if (given.trim() === '') throw new HandselError('URL_MALFORMED', 'there is no address to fetch from');
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given) ?? [];
  if (scheme !== undefined && !/^https?$/i.test(scheme)) {
    throw new HandselError('URL_MALFORMED', `addresses begin with https:// or http://, not with ${scheme}://`);
  }
  if (scheme !== undefined) {
    if (!URL.canParse(given)) throw new HandselError('URL_MALFORMED', `${given.slice(0, 80)} is not a URL`);
    return given;
  }
  const [name = '', ...path] = given.split('/');
  const selling = readNetwork(homeFolder(options))?.parties.filter(({ paid }) => paid !== undefined) ?? [];
  const found = selling.find((merchant) => merchant.name === name)?.paid;
  if (found !== undefined) return `${found}/${path.join('/')}`;
  const names = selling.map((merchant) => merchant.name).join(', ') || 'none';
  throw new HandselError(
    'SELLER_UNKNOWN',
    `nobody who sells out of deposits is known here as ${name.slice(0, 80)}; known are ${names}`,
  );
}

/** For an option: a price as fine as 0.0004EUR. */
export function price(text: string): string {
  try {
    if (parseNano(text.trim()).nano > 0n) return text.trim();
  } catch {
    // said below, in the words of the option
  }
  throw new InvalidArgumentError('write a price above zero with its currency, such as 0.0004EUR');
}
