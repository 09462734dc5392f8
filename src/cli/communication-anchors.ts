/** Whom commands believe that check signed things offline: whoever is certified under the anchors of this network, or of a file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Identify } from '../delivery/message/signed-by.ts';
import { HandselError } from '../handsel-error.ts';
import { readChain } from '../party/running/communication.ts';
import { createCommunicationTrust } from '../party/running/communication-trust.ts';
import { identifyBy } from '../party/running/delivery-identity.ts';
import type { GlobalOptions } from './global-options.ts';
import { stationFolder } from './station-client.ts';

/** @throws HandselError `ANCHORS_MISSING`; ConfigurationError when the file holds none */
export function anchorsTrust(
  options: GlobalOptions & { readonly anchors?: string },
  names?: ReadonlySet<string>,
): Identify {
  const file = options.anchors ?? join(stationFolder(options), 'communication', 'anchors.pem');
  if (!existsSync(file)) throw new HandselError('ANCHORS_MISSING', `there are no certificates to trust in ${file}`);
  return identifyBy(createCommunicationTrust(readChain(file)), names);
}
