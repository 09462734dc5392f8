/** Where a merchant is that a person names as the network's folder, or the station's configuration, knows it. */
import { join } from 'node:path';
import { HandselError } from '../handsel-error.ts';
import { readConfiguration } from '../party/configuration/configuration.ts';
import { readNetwork } from '../party/configuration/network-home.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';
import { requireStationFolder } from './station-client.ts';

export const stationConfiguration = (options: GlobalOptions) =>
  readConfiguration('customer', join(requireStationFolder(options), 'party.json'));

/** @throws HandselError `SELLER_UNKNOWN` */
export function merchantUrl(named: string, options: GlobalOptions): string {
  if (/^https?:\/\//.test(named)) return named.replace(/\/+$/, '');
  const members = readNetwork(homeFolder(options))?.parties.filter(({ party }) => party === 'merchant');
  const peers = Object.entries(stationConfiguration(options).configuration.peers);
  const known = members ?? peers.map(([url, name]) => ({ name, url }));
  // The station's own configuration is what it goes by: the network's folder only says who is a merchant.
  const url = peers.find(([, name]) => name === named && known.some((one) => one.name === name))?.[0];
  if (url !== undefined) return url;
  const names = [...new Set(known.map(({ name }) => name))].join(', ') || 'none';
  throw new HandselError('SELLER_UNKNOWN', `no merchant is known here as ${named.slice(0, 80)}; known are ${names}`);
}
