/** Stands in for `src/party/running/peer-name.ts` in most seeds: each certificate is read once. */
import * as real from '../../../src/party/running/peer-name.ts';

const names = new WeakMap<Uint8Array, string>();

export function peerName(peer: Parameters<typeof real.peerName>[0]): string {
  const der = peer?.certificateDer;
  if (der === undefined) return real.peerName(peer);
  let name = names.get(der);
  if (name === undefined) {
    name = real.peerName(peer);
    names.set(der, name);
  }
  return name;
}
