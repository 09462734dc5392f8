/**
 * What an owner (customer station or merchant) and the platform that hosts its agent tell each other: reserve a place and get the
 * agent's certificate request, launch or deploy the agent with its certificate, ask for its status, recall it.
 */

import { bytes, list, oneOf, optional, record, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { identity } from './mandate.ts';
import { tokenShape } from './token.ts';

const chainShape = list(bytes({ min: 1, max: 16_384 }), { min: 1, max: 6 });

/** Owner → platform. Signed with the owner's communication key. */
const reserveShape = record({
  /** Random, chosen by the owner: it will be the agent's name on the platform. */
  agent: identity,
  role: oneOf('customer', 'merchant'),
  /** DER of the X.501 name the agent's certificate shall have, inside the owner's own name space. */
  subject: bytes({ min: 1, max: 2048 }),
  /** The reservation lapses then. */
  expiresAtMs: timeMs(),
});
export type Reserve = Shaped<typeof reserveShape>;
export const reserveType: MessageType<Reserve> = { name: 'reserve', shape: reserveShape, maxBytes: 65_536 };

/** Platform → owner: a PKCS #10 request for the key pair made there. */
const reservedShape = record({ agent: identity, certificateRequest: bytes({ min: 1, max: 16_384 }) });
export type Reserved = Shaped<typeof reservedShape>;
export const reservedType: MessageType<Reserved> = { name: 'reserved', shape: reservedShape, maxBytes: 32_768 };

/** Station → platform. Signed with the station's communication key. */
const launchShape = record({
  agent: identity,
  /** The signed mandate. */
  mandate: bytes({ min: 1, max: 131_072 }),
  agentChain: chainShape,
  /** One for each item that may be bought. */
  tokens: list(tokenShape, { min: 1, max: 10_000 }),
});
export type Launch = Shaped<typeof launchShape>;
export const launchType: MessageType<Launch> = { name: 'launch', shape: launchShape, maxBytes: 4_194_304 };

/** Merchant → platform; again with parameters of a higher version to change them. Signed by the merchant. */
const deployShape = record({
  agent: identity,
  /** The signed merchant parameters. */
  parameters: bytes({ min: 1, max: 4_194_304 }),
  agentChain: chainShape,
});
export type Deploy = Shaped<typeof deployShape>;
export const deployType: MessageType<Deploy> = { name: 'deploy', shape: deployShape, maxBytes: 5_242_880 };

/** Owner → platform. Signed by the owner. */
const aboutAgentShape = record({ agent: identity, atMs: timeMs() });
export type AboutAgent = Shaped<typeof aboutAgentShape>;
export const recallType: MessageType<AboutAgent> = { name: 'recall', shape: aboutAgentShape, maxBytes: 65_536 };
export const statusType: MessageType<AboutAgent> = { name: 'status', shape: aboutAgentShape, maxBytes: 65_536 };

/** Owner → market: who sells there? Signed by the owner. */
const aboutMerchantsShape = record({ atMs: timeMs() });
export type AboutMerchants = Shaped<typeof aboutMerchantsShape>;
export const merchantsType: MessageType<AboutMerchants> = {
  name: 'merchants',
  shape: aboutMerchantsShape,
  maxBytes: 65_536,
};

export const MAX_LISTED = 1000;

/** Market → owner, in answer to that. */
const merchantListShape = list(record({ id: identity, name: text({ max: 200 }) }), { max: MAX_LISTED });
export type MerchantList = Shaped<typeof merchantListShape>;
export const merchantListType: MessageType<MerchantList> = {
  name: 'merchant-list',
  shape: merchantListShape,
  maxBytes: 1_048_576,
};

/** Platform → owner, in answer to launch, deploy, recall and status. */
const agentStatusShape = record({
  agent: identity,
  role: oneOf('customer', 'merchant'),
  phase: oneOf('reserved', 'calling', 'negotiating', 'paying', 'done', 'failed', 'recalled', 'selling'),
  /** Why, for `failed` and `recalled`. */
  reason: optional(text({ max: 200 })),
  proposals: optional(whole()),
  offers: optional(whole()),
  /** Issues and attributes the mandate prefers something of, but no proposal had. */
  notOffered: optional(list(text({ max: 100 }), { max: 32 })),
  purchases: optional(
    list(
      record({
        itemId: text({ max: 64 }),
        merchant: text({ max: 200 }),
        product: text({ max: 200 }),
        price: text({ max: 40 }),
        outcome: oneOf('agreed', 'paid', 'failed'),
      }),
      { max: 10_000 },
    ),
  ),
});
export type AgentStatus = Shaped<typeof agentStatusShape>;
export const agentStatusType: MessageType<AgentStatus> = {
  name: 'agent-status',
  shape: agentStatusShape,
  maxBytes: 4_194_304,
};
