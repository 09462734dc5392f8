/** A value acquirer on a memory journal in virtual time, with two operators' keys and a merchant who answers as a test says. */
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { equalBytes, fromUtf8, utf8 } from '../../../src/codec/hex.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { parseCose1 } from '../../../src/crypto/cose-sign1.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import { contentTypeOf, readMessage, type Signer, signMessage } from '../../../src/crypto/signed-message.ts';
import { createAcquirer } from '../../../src/deposit/acquirer/acquirer.ts';
import type { AcquirerInput } from '../../../src/deposit/acquirer/acquirer-input.ts';
import type { AcquirerPolicy, Validate } from '../../../src/deposit/acquirer/acquirer-policy.ts';
import type { AcquirerRecord, AcquirerState } from '../../../src/deposit/acquirer/acquirer-state.ts';
import { findDeposit } from '../../../src/deposit/acquirer/find-deposit.ts';
import { receiveAmendedInitiation } from '../../../src/deposit/acquirer/receive-amended-initiation.ts';
import { receiveRecord } from '../../../src/deposit/acquirer/receive-record.ts';
import {
  type AmendedInitiation,
  acknowledgementType,
  amendedInitiationType,
  depositRefusedType,
  informationType,
} from '../../../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import type { CourierResult } from '../../../src/journal/courier.ts';
import { type Host, openHost } from '../../../src/journal/host.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import {
  createMemoryJournal,
  type MemoryDisk,
  type MemoryJournalOptions,
} from '../../../src/journal/memory-journal.ts';
import { parseRate } from '../../../src/money/rate.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { customerKeys, merchantKeys } from '../message/spending-fixture.ts';

export const HOUR = 3_600_000;
export const ACKNOWLEDGED = encodeCbor(null);
export const transaction = 'north.1.1';
export const customer = 'c0ffee00c0ffee00c0ffee00c0ffee00';

/** One self-made certificate each: who a chain belongs to is a port, the keys and signatures are real. */
const identities = new Map<string, KeyPair>();
for (const name of ['north', 'west', 'south', 'ada', 'bob']) identities.set(name, generateP256());

export function signerOf(name: string): Signer {
  return { privateKey: keysOf(name).privateKey, certificateChain: [utf8(name)] };
}
export const keysOf = (name: string): KeyPair => identities.get(name)!;

export const validate: Validate = ([leaf]) => {
  const name = fromUtf8(leaf ?? utf8('nobody'));
  const keys = identities.get(name);
  if (keys === undefined) throw new CryptographicError(new Error(`nobody knows ${name}`));
  return { name, publicKey: keys.publicKey };
};

export const rate = parseRate({ from: 'USD', to: 'EUR', text: '0.9' });

export const policy: AcquirerPolicy = {
  name: 'south',
  signer: signerOf('south'),
  accountManagerUrl: 'https://south.test/accounts',
  operators: new Map([
    ['north', { url: 'https://north.test', limits: [{ currency: 'EUR', theyMayOweMinor: 2000n }] }],
    ['west', { url: 'https://west.test', limits: [] }],
    ['south', { url: 'https://south.test', limits: [] }],
  ]),
  merchants: new Map([['ada', { url: 'https://ada.test', currency: 'EUR' }]]),
  validateMerchant: validate,
  rate: ({ from, to }) => (from === 'USD' && to === 'EUR' ? rate : undefined),
};

/** What the account manager of `by` asks for; `changes` are what a liar would say instead. */
export function amendedInitiation(
  nowMs: number,
  options: {
    readonly changes?: Partial<AmendedInitiation>;
    readonly by?: string;
    readonly voucher?: Partial<Parameters<typeof issueTemporaryCertificate>[0]>;
    readonly voucherBy?: string;
  } = {},
): Uint8Array {
  const { changes = {}, by = 'north', voucher = {}, voucherBy = by } = options;
  const endsAtMs = changes.endsAtMs ?? nowMs + 24 * HOUR;
  const certificate = issueTemporaryCertificate(
    {
      transaction: changes.transaction ?? transaction,
      of: 'customer',
      key: exportPoint(customerKeys.publicKey),
      issuer: by,
      notAfterMs: endsAtMs + HOUR,
      ...voucher,
    },
    signerOf(voucherBy),
  );
  return signMessage(
    amendedInitiationType,
    {
      ...{ transaction, customer, merchant: 'ada', merchantCurrency: 'EUR', certificate, idleMs: HOUR, endsAtMs },
      ...{ deposit: { currency: 'USD', minor: 1000n }, merchantOperator: 'south' },
      ...changes,
    },
    signerOf(by),
  );
}

export type Deliver = (message: Outgoing) => CourierResult | Promise<CourierResult>;

/** The merchant acknowledges, everybody takes what he is told. */
export function acknowledging(message: Outgoing, by = 'ada', of?: string): CourierResult {
  if (message.kind !== informationType.name) return { type: 'answered', body: ACKNOWLEDGED };
  const told = readMessage(informationType, message.body).value;
  const key = exportPoint(merchantKeys.publicKey);
  const acknowledgement = { transaction: of ?? told.transaction, key, url: 'https://ada.test/buy' };
  return { type: 'answered', body: signMessage(acknowledgementType, acknowledgement, signerOf(by)) };
}

export type World = Awaited<ReturnType<typeof openWorld>>;

export async function openWorld(
  options: {
    readonly clock?: ReturnType<typeof createVirtualClock>;
    readonly disk?: MemoryDisk;
    readonly journal?: MemoryJournalOptions;
    readonly policy?: Partial<AcquirerPolicy>;
    readonly deliver?: Deliver;
    readonly onBoundary?: (boundary: string, group: number) => void;
  } = {},
) {
  const clock = options.clock ?? createVirtualClock();
  const machine = createAcquirer({ ...policy, ...options.policy });
  const journal = createMemoryJournal({ ...options.journal, ...(options.disk && { disk: options.disk }) });
  const sent: Outgoing[] = [];
  let dead = false;
  let deliver: Deliver = options.deliver ?? ((message) => acknowledging(message));
  const host: Host<AcquirerState, AcquirerInput, AcquirerRecord> = await openHost({
    machine,
    journal,
    clock: { nowMs: clock.nowMs, after: (delayMs, call) => clock.after(delayMs, () => dead || call()) },
    random: systemRandom,
    courier: {
      async deliver(message) {
        if (dead) return new Promise(() => undefined);
        sent.push({ ...message, body: message.body.slice() });
        return deliver(message);
      },
    },
    log: { info: () => {}, warn: () => {}, error: () => {} },
    ...(options.onBoundary && { onBoundary: options.onBoundary }),
  });

  const handle = (messageId: string, bytes: Uint8Array, input: AcquirerInput) =>
    host.handle({ messageId, digest: sha256(bytes), input });

  const initiate = async (bytes = amendedInitiation(clock.nowMs())) => {
    const input = receiveAmendedInitiation(bytes, { validate, nowMs: clock.nowMs() });
    return handle(`amended-initiation:${input.initiation.transaction}`, bytes, input);
  };
  return {
    ...{ clock, machine, host, journal, sent },
    answerWith(next: Deliver) {
      deliver = next;
    },
    sentOf: (kind: string) => sent.filter((message) => message.kind === kind),
    initiate,
    /** As `initiate`, with a refusal thrown. */
    async mustOpen(bytes?: Uint8Array) {
      const answer = await initiate(bytes);
      const { contentType } = parseCose1(answer, { maxBytes: depositRefusedType.maxBytes * 4 });
      if (contentType !== contentTypeOf(depositRefusedType)) return answer;
      const refusal = readMessage(depositRefusedType, answer);
      refusal.requireSignature(keysOf('south').publicKey);
      throw Object.assign(new Error(refusal.value.detail), { code: refusal.value.code });
    },
    async record(bytes: Uint8Array, deliverer: string) {
      const input = await receiveRecord(bytes, { deliverer, find: (id) => findDeposit(host, id) });
      return handle(`record:${input.transaction}:${input.by}`, bytes, input);
    },
    settle(id: string, input: Omit<Extract<AcquirerInput, { type: 'settled' }>, 'type'>) {
      return handle(`settlement:${id}`, utf8(id), { type: 'settled', ...input });
    },
    run: (ms = 1000) => clock.run(clock.nowMs() + ms),
    /** Everything the acquirer keeps: the state in memory, its snapshot and the journal. */
    bytes() {
      const { frames } = journal.powerCut();
      return Buffer.concat([machine.snapshot(host.state), ...frames]);
    },
    crash(): MemoryDisk {
      dead = true;
      return journal.powerCut();
    },
  };
}

/** What is known of deposits and debts, to see that nothing changed. */
export const known = ({ machine, host }: World) => Buffer.from(machine.snapshot(host.state)).toString('hex');

export const sameBytes = (messages: readonly Outgoing[]) =>
  messages.every(({ body }) => equalBytes(body, messages[0]!.body));
