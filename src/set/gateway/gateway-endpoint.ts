/** The gateway's SET endpoint: what merchants send to `POST /set`, checked and handed to the gateway machine. */
import type { Random } from '../../crypto/random.ts';
import { createEndpoint, type Endpoint, type EndpointOptions, type MessageHandler } from '../message/endpoint.ts';
import type { DateWindow } from '../message/receive.ts';
import type { Trust } from '../message/trust.ts';
import type { GatewayInput } from './gateway-input.ts';
import type { GatewayKeys } from './gateway-keys.ts';
import { receiveAuthReq } from './receive-authorization.ts';
import { receiveAuthRevReq } from './receive-reversal.ts';

export interface GatewayEndpointOptions {
  readonly host: MessageHandler<GatewayInput>;
  readonly keys: GatewayKeys;
  readonly trust: Trust;
  readonly window: DateWindow;
  readonly nowMs: () => number;
  readonly random: Random;
  readonly onRefusal: EndpointOptions<GatewayInput>['onRefusal'];
}

export function createGatewayEndpoint(options: GatewayEndpointOptions): Endpoint {
  const { keys, trust } = options;
  return createEndpoint<GatewayInput>({
    ...options,
    requests: ['AuthReq', 'AuthRevReq'],
    final: ['AuthReq', 'AuthRevReq'],
    direction: 'gatewayToMerchant',
    signer: keys.signing,
    refuse: (refusal) => ({ type: 'refuse', refusal }),
    read(message, { messageId, atMs }) {
      const context = { keys, trust, atMs };
      return message.message.type === 'AuthReq'
        ? { type: 'authorize', messageId, request: receiveAuthReq(message, context) }
        : { type: 'reverse', messageId, request: receiveAuthRevReq(message, context) };
    },
  });
}
