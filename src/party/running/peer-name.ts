/** The identity of whoever is at the other end of a TLS connection, as it stands in agreements: its first common name. */
import { HandselError } from '../../handsel-error.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import type { PeerIdentity } from '../../transport/tls.ts';

/** @throws HandselError `PEER_NOT_TRUSTED` for a peer that proved no identity */
export function peerName(peer: PeerIdentity | undefined): string {
  const name = peer && nameAttribute(readCertificate(peer.certificateDer).subject, 'CN');
  if (name === undefined) throw new HandselError('PEER_NOT_TRUSTED', 'the peer shows no name');
  return name;
}
