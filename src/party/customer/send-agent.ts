/**
 * Sending an agent off: a place is reserved, the station certifies the key made there under its own agent authority, signs the
 * mandate, seals a token for each item, and leaves the launch to the guard's outbox.
 */
import { randomUUID } from 'node:crypto';
import type { Terms } from '../../agent/guard/allowance.ts';
import type { GuardInput } from '../../agent/guard/guard-machine.ts';
import type { ItemKey } from '../../agent/guard/guard-record.ts';
import { AUTHORISATION_CODE_LENGTH, wrapWalletKey } from '../../agent/guard/wallet-key.ts';
import { launchType, reservedType, reserveType } from '../../agent/message/hosting.ts';
import { type Mandate, mandateType } from '../../agent/message/mandate.ts';
import { plainToken, sealToken, type Token } from '../../agent/message/token.ts';
import { toHex } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { SEALING_KEY_LENGTH } from '../../crypto/sealing.ts';
import { decodeShape, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import { issueAgentCertificate } from '../../pki/agent-certificate.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { readCertificateRequest } from '../../pki/certificate-request.ts';
import { extendName } from '../../pki/name.ts';
import type { Client } from '../../transport/client.ts';
import { readProblem } from '../../transport/problem.ts';
import { TransportError } from '../../transport/transport-error.ts';
import type { AgentAuthority } from '../message/agent-authority.ts';
import type { AgentOrder } from './agent-order.ts';

export interface SendingOptions {
  readonly order: AgentOrder;
  readonly client: Client;
  /** Signs with the station's communication key and shows its chain. */
  readonly signer: Signer;
  readonly stationUrl: string;
  readonly stationCertificate: Certificate;
  readonly authority: AgentAuthority;
  readonly market: string;
  readonly walletKey: Uint8Array | undefined;
  readonly cardId: string;
  readonly nowMs: number;
  readonly random: Random;
}

/** Failed purchases use up a token each: a few more than may be paid, so that the agent can try another merchant. */
const SPARE_TOKENS = 3;
/** Whoever has not proposed by then is not waited for, if the person says nothing else. */
const LONGEST_CALL_MS = 5000;
/** Long enough for the market's clock to be somewhat behind. */
const CLOCK_SLACK_MS = 60_000;

/** What the guard is to record, agent and launch included. @throws HandselError when the platform refuses. */
export async function prepareAgent(options: SendingOptions): Promise<Extract<GuardInput, { type: 'mandate' }>> {
  const { order, random, nowMs, walletKey } = options;
  const agentId = randomUUID();
  const mandateId = agentId;
  const expiresAtMs = nowMs + Math.max(order.validMs, order.byMs);
  const platform = order.local ? options.stationUrl : options.market;

  const agentChain = await certifyAgent({ ...options, agentId, platform, expiresAtMs });
  const mandate = mandateOf(options, { mandateId, expiresAtMs, agent: agentChain[0]! });
  const code = random(AUTHORISATION_CODE_LENGTH);
  const { itemKeys, tokens } = makeTokens({
    mandateId,
    code,
    count: order.count + SPARE_TOKENS,
    plain: order.local,
    random,
  });
  const launch = signMessage(
    launchType,
    {
      agent: agentId,
      mandate: signMessage(mandateType, mandate, options.signer),
      agentChain: agentChain.map(({ der }) => der),
      tokens,
    },
    options.signer,
  );
  return {
    type: 'mandate',
    terms: termsOf(mandate, { local: order.local, cardId: options.cardId }),
    itemKeys,
    wrappedWalletKey: walletKey === undefined ? undefined : wrapWalletKey({ walletKey, code, mandateId, random }),
    launch: { id: `launch ${mandateId}`, to: `${platform}/agent/launch`, kind: 'launch', body: launch, expiresAtMs },
  };
}

async function certifyAgent(
  options: SendingOptions & { agentId: string; platform: string; expiresAtMs: number },
): Promise<readonly Certificate[]> {
  const { authority, agentId, platform, client, signer, random } = options;
  const notBeforeMs = options.nowMs - CLOCK_SLACK_MS;
  const subject = extendName(authority.chain[0]!.subject, { CN: agentId }).der;
  const body = signMessage(
    reserveType,
    { agent: agentId, role: 'customer', subject, expiresAtMs: options.nowMs + CLOCK_SLACK_MS },
    signer,
  );
  const message = { kind: 'reserve', contentType: 'application/cose', extension: 'cose', body };
  const answer = await client.post(`${platform}/agent/reserve`, message).catch((cause: unknown): never => {
    const away = cause instanceof TransportError && cause.code === 'PEER_UNREACHABLE';
    throw away ? new HandselError('MARKET_UNREACHABLE', `the market ${platform} cannot be reached`, { cause }) : cause;
  });
  if (answer.status !== 200) {
    const problem = readProblem(answer.body);
    throw new HandselError(
      problem?.code ?? 'RESERVE_REFUSED',
      problem?.detail ?? `the market answered ${answer.status}`,
    );
  }
  const request = readCertificateRequest(decodeShape(reservedType, answer.body).certificateRequest);
  const certificate = issueAgentCertificate({
    authority: authority.chain[0]!,
    authorityKey: authority.privateKey,
    request,
    agentName: agentId,
    notBeforeMs,
    notAfterMs: options.expiresAtMs + CLOCK_SLACK_MS,
    random,
  });
  return [certificate, ...authority.chain];
}

function mandateOf(
  { order, nowMs, market, stationUrl, stationCertificate }: SendingOptions,
  names: { mandateId: string; expiresAtMs: number; agent: Certificate },
): Mandate {
  const issues = new Set([...Object.keys(order.weights), ...Object.keys(order.worths)]);
  return {
    id: names.mandateId,
    agentThumb: names.agent.thumb,
    wanted: {
      terms: order.want.split(/\s+/).filter((word) => word !== ''),
      category: order.category,
      mustHaves: order.mustHaves,
    },
    quantity: order.quantity,
    preferences: [...issues].map((issue) => ({
      issue,
      weight: order.weights[issue] ?? 0,
      worths: order.worths[issue] ?? {},
    })),
    currency: order.max.currency,
    priceLimitMinor: order.max.minor,
    budgetMinor: order.budget?.minor ?? order.max.minor * BigInt(order.count),
    ...(order.purse && { purse: { name: order.purse.name, limitMinor: order.purse.limit.minor } }),
    merchantsAllowed: order.merchants,
    merchantsBarred: order.barred,
    scenario: order.scenario,
    count: order.count,
    strategy: order.strategy,
    rounds: order.rounds,
    issuedAtMs: nowMs,
    proposalsByMs: nowMs + (order.proposalsMs ?? Math.min(LONGEST_CALL_MS, order.byMs >> 1)),
    deadlineMs: nowMs + order.byMs,
    expiresAtMs: names.expiresAtMs,
    markets: [market],
    station: { url: stationUrl, certificate: stationCertificate.der },
  };
}

function makeTokens(options: { mandateId: string; code: Uint8Array; count: number; plain: boolean; random: Random }): {
  itemKeys: ItemKey[];
  tokens: Token[];
} {
  const { mandateId, code, random } = options;
  const itemKeys = Array.from({ length: options.count }, (_, index) => ({
    itemId: `item-${index + 1}`,
    key: random(SEALING_KEY_LENGTH),
  }));
  const tokens = itemKeys.map(({ itemId, key }) =>
    options.plain ? plainToken({ itemId, code }) : sealToken({ itemKey: key, mandateId, itemId, code, random }),
  );
  return { itemKeys, tokens };
}

function termsOf(mandate: Mandate, also: { readonly local: boolean; readonly cardId: string }): Terms {
  const { purse, agentThumb } = mandate;
  return {
    mandateId: mandate.id,
    scenario: mandate.scenario,
    wanted: mandate.wanted,
    quantity: mandate.quantity,
    currency: mandate.currency,
    priceLimitMinor: mandate.priceLimitMinor,
    budgetMinor: mandate.budgetMinor,
    count: mandate.count,
    merchantsAllowed: mandate.merchantsAllowed,
    merchantsBarred: mandate.merchantsBarred,
    expiresAtMs: mandate.expiresAtMs,
    agentThumb: toHex(agentThumb),
    ...also,
    ...(purse && { purse }),
  };
}
