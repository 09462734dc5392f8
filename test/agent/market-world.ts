/** Owners with certificates, platforms on hosts of their own, and a network between them that carries the real wire bytes. */

import {
  type AgentStatus,
  agentStatusType,
  deployType,
  launchType,
  recallType,
  reservedType,
  reserveType,
  statusType,
} from '../../src/agent/message/hosting.ts';
import { type Mandate, mandateType } from '../../src/agent/message/mandate.ts';
import {
  type Good,
  type MerchantParameters,
  merchantParametersType,
} from '../../src/agent/message/merchant-parameters.ts';
import { sealToken, type Token } from '../../src/agent/message/token.ts';
import { createPlatform, type PlatformOptions } from '../../src/agent/platform/platform.ts';
import { createPlatformDoor } from '../../src/agent/platform/platform-door.ts';
import type { PlatformInput } from '../../src/agent/platform/platform-input.ts';
import type { PlatformRecord } from '../../src/agent/platform/platform-record.ts';
import type { PlatformState } from '../../src/agent/platform/platform-state.ts';
import { utf8 } from '../../src/codec/hex.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../src/crypto/signature.ts';
import { decodeShape, type Signer, signMessage } from '../../src/crypto/signed-message.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { Clock } from '../../src/journal/clock.ts';
import type { Courier } from '../../src/journal/courier.ts';
import { type Host, openHost } from '../../src/journal/host.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { createMemoryJournal } from '../../src/journal/memory-journal.ts';
import { issueAgentCertificate } from '../../src/pki/agent-certificate.ts';
import { identifyIssuer, identifyKey } from '../../src/pki/authority-key.ts';
import { type Certificate, createCertificate, randomSerial, readCertificate } from '../../src/pki/certificate.ts';
import { readCertificateRequest } from '../../src/pki/certificate-request.ts';
import { makeExtension } from '../../src/pki/extension.ts';
import { extendName, makeName, type Name } from '../../src/pki/name.ts';
import { validatePath } from '../../src/pki/path.ts';
import { basicConstraints, keyUsage } from '../../src/pki/standard-extensions.ts';
import { createVirtualClock } from '../world/virtual-clock.ts';

const YEAR = 365 * 86_400_000;

export interface Owner {
  readonly name: string;
  readonly url: string;
  readonly keys: KeyPair;
  readonly certificate: Certificate;
  /** As the owner: communication key with its chain. */
  readonly signer: Signer;
  readonly authority: { readonly certificate: Certificate; readonly keys: KeyPair };
}

export type Handler = (kind: string, body: Uint8Array) => Promise<Uint8Array>;

export interface Platform {
  readonly url: string;
  readonly host: Host<PlatformState, PlatformInput, PlatformRecord>;
  post(kind: string, body: Uint8Array): Promise<Uint8Array>;
  status(owner: Owner, agent: string): AgentStatus;
}

export interface Sent {
  readonly to: string;
  readonly kind: string;
  readonly body: Uint8Array;
}

export type AgentWorld = ReturnType<typeof createAgentWorld>;

export function createAgentWorld(options: { readonly clock?: Clock } = {}) {
  const virtual = createVirtualClock();
  const clock = options.clock ?? virtual;
  const startMs = clock.nowMs();
  const routes = new Map<string, Handler>();
  const sent: Sent[] = [];
  const warnings: object[] = [];
  const root = holder(makeName({ O: 'Agency', CN: 'Root' }), undefined, true);

  function holder(subject: Name, issuer: { certificate: Certificate; keys: KeyPair } | undefined, ca: boolean) {
    const keys = generateP256();
    const usage = ca ? (['keyCertSign', 'cRLSign'] as const) : (['digitalSignature', 'keyAgreement'] as const);
    const certificate = createCertificate(
      {
        serial: randomSerial(systemRandom),
        issuer: issuer?.certificate.subject ?? subject,
        subject,
        notBefore: new Date(startMs - 86_400_000),
        notAfter: new Date(startMs + YEAR),
        publicKey: keys.publicKey,
        extensions: [
          makeExtension(basicConstraints, { ca, ...(ca && issuer ? { pathLength: 0 } : {}) }),
          makeExtension(keyUsage, new Set(usage)),
          identifyKey(keys.publicKey),
          ...(issuer ? [identifyIssuer(issuer.certificate)] : []),
        ],
      },
      (issuer?.keys ?? keys).privateKey,
    );
    return { certificate, keys };
  }

  const anchors = [root.certificate];
  const door = createPlatformDoor({
    validateOwner: (chain, atMs) => void validatePath({ chain, anchors, atMs, purpose: 'signature' }),
    validateAgent: (chain, atMs) => void validatePath({ chain, anchors, atMs, purpose: 'agent' }),
  });

  const courier: Courier = {
    async deliver({ to, kind, body }) {
      sent.push({ to, kind, body });
      const at = [...routes.keys()].find((url) => to === `${url}/agent/${kind}`);
      if (at === undefined) throw new Error(`nobody at ${to}`);
      try {
        return { type: 'answered', body: await routes.get(at)!(kind, body) };
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
        return { type: 'refused', code: error.code, detail: error.message };
      }
    },
  };

  function owner(name: string): Owner {
    const base = makeName({ O: name });
    const communication = holder(extendName(base, { CN: name }), root, false);
    return {
      name,
      url: `https://${name}.test`,
      ...communication,
      signer: { privateKey: communication.keys.privateKey, certificateChain: [communication.certificate.der] },
      authority: holder(extendName(communication.certificate.subject, { OU: 'Agents' }), root, true),
    };
  }

  async function platform(
    url: string,
    given: Partial<PlatformOptions> & { readonly journal?: Journal } = {},
  ): Promise<Platform> {
    const machine = createPlatform({
      url,
      platformKey: sha256(utf8('platform key of the test')),
      validateAgent: (chain, atMs) =>
        void validatePath({ chain: chain.map((der) => readCertificate(der)), anchors, atMs, purpose: 'agent' }),
      ...given,
    });
    const host = await openHost({
      machine,
      journal: given.journal ?? createMemoryJournal(),
      clock,
      random: systemRandom,
      courier,
      log: { info: () => {}, warn: (detail) => warnings.push(detail), error: (detail) => warnings.push(detail) },
    });
    const post = async (kind: string, body: Uint8Array) => host.handle(door.receive(kind, body, clock.nowMs()));
    routes.set(url, post);
    return {
      url,
      host,
      post,
      status: (by, agent) =>
        decodeShape(
          agentStatusType,
          door.status(host.state, signMessage(statusType, { agent, atMs: clock.nowMs() }, by.signer), clock.nowMs()),
        ),
    };
  }

  /** Reserves a place and certifies the key made there; gives the agent's chain. */
  async function certify(at: Platform, by: Owner, agent: string, role: 'customer' | 'merchant') {
    const subject = extendName(by.authority.certificate.subject, { CN: agent }).der;
    const value = { agent, role, subject, expiresAtMs: clock.nowMs() + 60_000 };
    const answer = decodeShape(reservedType, await at.post('reserve', signMessage(reserveType, value, by.signer)));
    const certificate = issueAgentCertificate({
      authority: by.authority.certificate,
      authorityKey: by.authority.keys.privateKey,
      request: readCertificateRequest(answer.certificateRequest),
      agentName: agent,
      notBeforeMs: startMs - 60_000,
      notAfterMs: startMs + YEAR,
      random: systemRandom,
    });
    return [certificate, by.authority.certificate];
  }

  async function deploy(at: Platform, by: Owner, changes: Partial<MerchantParameters> = {}): Promise<string> {
    const agent = `agent of ${by.name}`;
    const chain = await certify(at, by, agent, 'merchant');
    await redeploy(at, by, agent, chain, changes);
    return agent;
  }

  async function redeploy(
    at: Platform,
    by: Owner,
    agent: string,
    chain: readonly Certificate[],
    changes: Partial<MerchantParameters>,
  ): Promise<void> {
    const parameters = signMessage(merchantParametersType, parametersOf(at, by, changes), by.signer);
    const value = { agent, parameters, agentChain: chain.map(({ der }) => der) };
    await at.post('deploy', signMessage(deployType, value, by.signer));
  }

  function parametersOf(at: Platform, by: Owner, changes: Partial<MerchantParameters>): MerchantParameters {
    return {
      merchant: { id: by.name, name: `${by.name} Ltd`, url: by.url },
      market: at.url,
      version: 1,
      currency: 'EUR',
      goods: [good('words')],
      bundles: [],
      concession: 'linear',
      brands: ['HandselCard'],
      holdMs: 60_000,
      issuedAtMs: clock.nowMs(),
      expiresAtMs: clock.nowMs() + YEAR,
      ...changes,
    };
  }

  function mandateOf(by: Owner, at: Platform, agentThumb: Uint8Array, changes: Partial<Mandate>): Mandate {
    const nowMs = clock.nowMs();
    return {
      id: 'mandate',
      agentThumb,
      wanted: { terms: ['words'], category: '', mustHaves: {} },
      quantity: 1,
      preferences: [{ issue: 'price', weight: 60, worths: {} }],
      currency: 'EUR',
      priceLimitMinor: 1000n,
      budgetMinor: 5000n,
      merchantsAllowed: [],
      merchantsBarred: [],
      scenario: 'unattended',
      count: 1,
      strategy: 'boulware',
      rounds: 10,
      issuedAtMs: nowMs,
      proposalsByMs: nowMs + 2_000,
      deadlineMs: nowMs + 30_000,
      expiresAtMs: nowMs + 600_000,
      markets: [at.url],
      station: { url: by.url, certificate: by.certificate.der },
      ...changes,
    };
  }

  /** Launches an agent whose tokens are sealed under a fresh item key each; gives those keys. */
  async function launch(at: Platform, by: Owner, changes: Partial<Mandate> = {}, agent = `agent of ${by.name}`) {
    const send = await prepareLaunch(at, by, changes, agent);
    return send();
  }

  async function prepareLaunch(at: Platform, by: Owner, changes: Partial<Mandate>, agent: string) {
    const chain = await certify(at, by, agent, 'customer');
    const mandate = mandateOf(by, at, chain[0]!.thumb, changes);
    const code = systemRandom(32);
    const itemKeys = new Map<string, Uint8Array>();
    const tokens: Token[] = [];
    for (let item = 1; item <= mandate.count + 1; item += 1) {
      const itemId = `item ${item}`;
      itemKeys.set(itemId, systemRandom(32));
      const sealing = { itemKey: itemKeys.get(itemId)!, code, mandateId: mandate.id, itemId, random: systemRandom };
      tokens.push(sealToken(sealing));
    }
    const signed = signMessage(mandateType, mandate, by.signer);
    const value = { agent, mandate: signed, agentChain: chain.map(({ der }) => der), tokens };
    const body = signMessage(launchType, value, by.signer);
    return async () => {
      const answer = decodeShape(agentStatusType, await at.post('launch', body));
      return { agent, mandate, itemKeys, code, answer, chain };
    };
  }

  async function recall(at: Platform, by: Owner, agent: string): Promise<AgentStatus> {
    const body = signMessage(recallType, { agent, atMs: clock.nowMs() }, by.signer);
    return decodeShape(agentStatusType, await at.post('recall', body));
  }

  return {
    clock,
    run: (forMs: number) => virtual.run(virtual.nowMs() + forMs),
    root,
    anchors,
    door,
    routes,
    sent,
    warnings,
    owner,
    platform,
    certify,
    deploy,
    redeploy,
    launch,
    prepareLaunch,
    recall,
    sentOf: (kind: string) => sent.filter((message) => message.kind === kind),
  };
}

export function good(sku: string, changes: Partial<Good> = {}): Good {
  return {
    product: { sku, name: `List of ${sku}`, category: 'Data', keywords: [sku], attributes: { language: 'en' } },
    listMinor: 900n,
    floorMinor: 400n,
    choices: {},
    sha256: sha256(utf8(sku)),
    sizeBytes: 1000,
    mediaType: 'text/plain',
    ...changes,
  };
}
