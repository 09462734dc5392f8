/**
 * An operator's acquirer for the card network of devices (`card-network.ts`), which is a party of its own, so that no operator carries it: what it
 * asks is said to the acquirer in ISO 8583 (`card-interchange.ts`). Its certificate says which one may ask.
 */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Iso8583Exchange } from '../../set/interchange/tcp-link.ts';
import type { Routes } from '../../transport/route.ts';
import type { OperatorConfiguration } from '../configuration/configuration.ts';
import { INTERCHANGE_PATH } from '../message/trusted-path.ts';
import { peerName } from '../running/peer-name.ts';
import { createCardInterchange } from './card-interchange.ts';

/** How the network's own terminal is called in card messages. */
const TERMINAL = 'TICKETS';
const ROUTE = 'interchange';

export function cardInterchangeRoutes(options: {
  readonly configuration: Pick<OperatorConfiguration, 'acquirer'>;
  readonly network: NonNullable<OperatorConfiguration['cardNetwork']>;
  readonly acquirer: Iso8583Exchange;
}): Routes {
  const { configuration, network, acquirer } = options;
  const interchange = createCardInterchange({
    ...{ route: ROUTE, link: acquirer, acquirerId: configuration.acquirer.id, terminalId: TERMINAL },
    acceptorOf: (payeeName) => network.acceptors.find(({ name }) => name === payeeName)?.merchant,
    courier: { deliver: async ({ to }) => ({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: to }) },
  });
  return {
    [`POST ${INTERCHANGE_PATH}`]: async ({ body, peer, signal }) => {
      if (peerName(peer) !== network.name) throw new HandselError('PEER_NOT_ADMITTED', 'only the card network may ask');
      const message = { id: toHex(sha256(body)), to: ROUTE, kind: 'CardInterchange', body };
      const result = await interchange.deliver(message, { signal });
      if (result.type === 'refused') throw new HandselError(result.code, result.detail);
      return { contentType: 'application/cbor', body: result.body };
    },
  } as Routes;
}
