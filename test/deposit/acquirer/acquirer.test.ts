import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../../src/codec/hex.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { exposureTo } from '../../../src/deposit/acquirer/acquirer-state.ts';
import { findDeposit } from '../../../src/deposit/acquirer/find-deposit.ts';
import {
  CLEARING_GRACE_MS,
  clearingInformationType,
  concludeType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import {
  acknowledgementType,
  amendedInitiationType,
  depositRefusedType,
  informationType,
  operatorAcknowledgementType,
} from '../../../src/deposit/message/initiation.ts';
import { EMPTY_HEAD } from '../../../src/deposit/message/purchase-list.ts';
import {
  readTemporaryCertificate,
  temporaryCertificateType,
} from '../../../src/deposit/message/temporary-certificate.ts';
import { parseRate } from '../../../src/money/rate.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { createSpending, customerKeys, merchantKeys } from '../message/spending-fixture.ts';
import {
  ACKNOWLEDGED,
  acknowledging,
  amendedInitiation,
  customer,
  HOUR,
  keysOf,
  known,
  openWorld,
  rate,
  sameBytes,
  transaction,
  type World,
} from './acquirer-world.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

function spend(): ReturnType<typeof createSpending> {
  const spending = createSpending();
  for (const units of [300, 44, 7, 500, 12, 90]) spending.buy(units, 'GET /the-secret-diary');
  return spending;
}
const spending = spend();

async function openedWorld(options?: Parameters<typeof openWorld>[0]): Promise<World> {
  const world = await openWorld(options);
  await world.initiate();
  return world;
}

function clearingOf(world: World) {
  const messages = world.sentOf(clearingInformationType.name);
  expect(sameBytes(messages)).toBe(true);
  const message = readMessage(clearingInformationType, messages[0]!.body);
  message.requireSignature(keysOf('south').publicKey);
  return { ...message.value, to: messages.map(({ to }) => to) };
}

describe('a deposit', () => {
  test('goes the whole way: information, certificates both ways, two records, clearing information to both account managers', async () => {
    const world = await openWorld();
    const { clock, host } = world;
    const answer = readMessage(operatorAcknowledgementType, await world.initiate());
    answer.requireSignature(keysOf('south').publicKey);
    expect(answer.value).toMatchObject({ transaction, rate, deposit: { currency: 'EUR', minor: 900n } });
    expect(answer.value.url).toBe('https://ada.test/buy');
    const issued = {
      transaction,
      issuer: 'south',
      issuerKey: keysOf('south').publicKey,
      nowMs: clock.nowMs() + 24 * HOUR,
    };
    const forCustomer = readTemporaryCertificate(answer.value.certificate, { ...issued, of: 'merchant' });
    expect(forCustomer.certificate.key).toEqual(exportPoint(merchantKeys.publicKey));

    const [told] = world.sentOf(informationType.name);
    expect(told).toMatchObject({ to: 'https://ada.test/deposit/information' });
    const information = readMessage(informationType, told!.body);
    information.requireSignature(keysOf('south').publicKey);
    expect(information.value).toMatchObject({ merchant: 'ada', customer, idleMs: HOUR });
    expect(information.value.deposit).toEqual({ currency: 'EUR', minor: 900n });
    const forMerchant = readTemporaryCertificate(information.value.certificate, { ...issued, of: 'customer' });
    expect(forMerchant.certificate.key).toEqual(exportPoint(customerKeys.publicKey));
    for (const { certificate } of [answer.value, information.value]) {
      // The message around it carries the chain, and has room for one only.
      expect(readMessage(temporaryCertificateType, certificate).certificateChain).toEqual([]);
    }
    expect(exposureTo(host.state, 'north', 'EUR')).toEqual({ openMinor: 900n, clearedMinor: 0n });

    const [customerRecord, merchantRecord] = [spending.record('customer'), spending.record('merchant')];
    const deadlineMs = clock.nowMs() + HOUR;
    expect(await world.record(customerRecord, 'north')).toEqual(ACKNOWLEDGED);
    const [conclude] = world.sentOf(concludeType.name);
    expect(conclude).toMatchObject({ to: 'https://ada.test/deposit/conclude' });
    const concluded = readMessage(concludeType, conclude!.body);
    concluded.requireSignature(keysOf('south').publicKey);
    expect(concluded.value).toEqual({ transaction, deadlineMs });
    expect(await world.record(merchantRecord, 'ada')).toEqual(ACKNOWLEDGED);
    await world.run();

    const clearing = clearingOf(world);
    expect(clearing.to).toEqual([
      'https://north.test/deposit/clearing-information',
      'https://south.test/accounts/deposit/clearing-information',
    ]);
    expect(clearing).toMatchObject({
      ...{ transaction, merchant: 'ada', accountManager: 'north', rate, count: 6 },
      paid: { currency: 'EUR', minor: 95n },
      unused: { currency: 'EUR', minor: 805n },
      head: spending.moments[6]!.tab.head,
      customerRecord: sha256(customerRecord),
      merchantRecord: sha256(merchantRecord),
    });
    expect(host.state.deposits.size).toBe(0);
    expect(exposureTo(host.state, 'north', 'EUR')).toEqual({ openMinor: 0n, clearedMinor: 95n });
    await world.run(48 * HOUR);
    expect(world.sentOf(clearingInformationType.name)).toHaveLength(2);
    expect((await host.readByKey(`deposit:${transaction}`)).map(({ type }) => type)).toEqual([
      ...['asked', 'opened', 'record', 'record', 'cleared'],
    ]);
  });

  test('of a customer of our own is cleared in one message and owed by nobody', async () => {
    const world = await openWorld();
    const own = { transaction: 'south.1.1', deposit: { currency: 'EUR', minor: 900_000n } };
    await world.initiate(amendedInitiation(world.clock.nowMs(), { by: 'south', changes: own }));
    expect(world.host.state.exposures.size).toBe(0);
    await world.run(30 * HOUR);
    expect(clearingOf(world).to).toEqual(['https://south.test/accounts/deposit/clearing-information']);
    expect(world.host.state.exposures.size).toBe(0);
  });

  test('keeps no customer, no identifier of one, and nothing that was bought', async () => {
    const world = await openedWorld();
    const state = world.machine.snapshot(world.host.state);
    expect(Buffer.from(state).includes(customer)).toBe(false);
    await world.record(spending.record('customer'), 'north');
    const open = Buffer.from(world.machine.snapshot(world.host.state));
    await world.record(spending.record('merchant'), 'ada');
    await world.run();
    const everything = Buffer.concat([state, open, world.bytes()]);
    expect(everything.length).toBeGreaterThan(5000);
    expect(everything.includes('ada')).toBe(true);
    for (const secret of ['secret-diary', '/the-', 'GET ']) expect(everything.includes(secret)).toBe(false);
    for (const { tab } of spending.moments.slice(1, 6)) {
      // Heads before the last are known only where a checkpoint names them.
      expect(everything.includes(Buffer.from(tab.head))).toBe(tab.count === 4);
    }
    // The identifier of the session goes to the merchant in one message, and into no record.
    for (const record of await (await openedWorld()).host.readByKey(`deposit:${transaction}`)) {
      expect(JSON.stringify(record, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toContain(
        customer,
      );
    }
  });
});

describe('what we sign', () => {
  test('certifies a customer’s key for as long as clearing takes, whatever its operator would have', async () => {
    const world = await openWorld();
    const nowMs = world.clock.nowMs();
    await world.initiate(amendedInitiation(nowMs, { voucher: { notAfterMs: nowMs + 9999 * HOUR } }));
    const { certificate } = readMessage(informationType, world.sent[0]!.body).value;
    const { notAfterMs } = readMessage(temporaryCertificateType, certificate).value;
    expect(notAfterMs).toBe(nowMs + 24 * HOUR + CLEARING_GRACE_MS);
  });

  test('is never more than a message can say', async () => {
    const dear = parseRate({ from: 'USD', to: 'EUR', text: '2' });
    const world = await openWorld({ policy: { rate: () => dear } });
    const changes = { transaction: 'south.1.1', deposit: { currency: 'USD', minor: 10n ** 15n } };
    const bytes = amendedInitiation(world.clock.nowMs(), { by: 'south', changes });
    await expect(world.mustOpen(bytes)).rejects.toEqual(code('MESSAGE_INVALID'));
    expect(world.host.state.deposits.size).toBe(0);
  });
});

describe('the rate', () => {
  const proposing = (text: string) => parseRate({ from: 'USD', to: 'EUR', text });

  test('is the proposed one when it is near ours, and refused when it is not', async () => {
    for (const [text, minor] of [
      ['0.882', 882n],
      ['0.918', 918n],
    ] as const) {
      const world = await openWorld();
      const changes = { rate: proposing(text) };
      const answer = await world.initiate(amendedInitiation(world.clock.nowMs(), { changes }));
      expect(readMessage(operatorAcknowledgementType, answer).value).toMatchObject({ ...changes, deposit: { minor } });
    }
    for (const wrong of [
      ...['0.8819', '0.9181', '90'].map(proposing),
      parseRate({ from: 'EUR', to: 'USD', text: '0.9' }),
      parseRate({ from: 'USD', to: 'JPY', text: '0.9' }),
    ]) {
      const world = await openWorld();
      const bytes = amendedInitiation(world.clock.nowMs(), { changes: { rate: wrong } });
      await expect(world.mustOpen(bytes)).rejects.toEqual(code('RATE_UNKNOWN'));
      expect(world.host.state.deposits.size).toBe(0);
    }
  });

  test('of a currency we cannot judge is refused, and within one currency it is one', async () => {
    const deposit = { currency: 'JPY', minor: 900n };
    const yen = parseRate({ from: 'JPY', to: 'EUR', text: '0.006' });
    const euros = { deposit: { currency: 'EUR', minor: 900n } };
    const generous = { ...euros, rate: parseRate({ from: 'EUR', to: 'EUR', text: '1.001' }) };
    for (const changes of [{ deposit }, { deposit, rate: yen }, generous]) {
      const world = await openWorld();
      const refusal = world.mustOpen(amendedInitiation(world.clock.nowMs(), { changes }));
      await expect(refusal).rejects.toEqual(code('RATE_UNKNOWN'));
    }
    const world = await openWorld();
    const answer = await world.initiate(amendedInitiation(world.clock.nowMs(), { changes: euros }));
    expect(readMessage(operatorAcknowledgementType, answer).value.deposit).toEqual(euros.deposit);
  });
});

describe('what is refused with nothing changed', () => {
  const stranger = generateP256();
  type Lie = Parameters<typeof amendedInitiation>[1];
  const nowMs = createVirtualClock().nowMs();
  const lies: Readonly<Record<string, readonly [string, Lie]>> = {
    'a transaction of another operator': ['OPERATOR_UNKNOWN', { changes: { transaction: 'west.1.1' } }],
    'an identity that is none': ['IDENTITY_MALFORMED', { changes: { transaction: 'north.1' } }],
    'a voucher somebody else signed': ['CRYPTOGRAPHIC_FAILURE', { voucherBy: 'west' }],
    'a voucher of another transaction': ['CERTIFICATE_UNFIT', { voucher: { transaction: 'north.1.2' } }],
    'a voucher for a merchant': ['CERTIFICATE_UNFIT', { voucher: { of: 'merchant' } }],
    'a voucher in another name': ['CERTIFICATE_UNFIT', { voucher: { issuer: 'west' } }],
    'an old voucher': ['CERTIFICATE_UNFIT', { voucher: { notAfterMs: nowMs - 1 } }],
    'a voucher that ends before the deposit': ['CERTIFICATE_UNFIT', { voucher: { notAfterMs: nowMs + 23 * HOUR } }],
    'a key that is no point': ['CRYPTOGRAPHIC_FAILURE', { voucher: { key: new Uint8Array(65).fill(4) } }],
    'an operator we do not know': ['OPERATOR_UNKNOWN', { by: 'bob', changes: { transaction: 'bob.1.1' } }],
    'what another acquirer was asked': ['OPERATOR_UNKNOWN', { changes: { merchantOperator: 'west' } }],
    'a merchant we do not know': ['MERCHANT_UNKNOWN', { changes: { merchant: 'bob' } }],
    'another currency than the merchant’s': ['DEPOSIT_REFUSED', { changes: { merchantCurrency: 'USD' } }],
    'an end in the past': ['DEPOSIT_REFUSED', { changes: { endsAtMs: nowMs }, voucher: { notAfterMs: nowMs } }],
    'an end in a hundred days': ['DEPOSIT_REFUSED', { changes: { endsAtMs: nowMs + 2400 * HOUR } }],
    'a deposit of nothing': ['DEPOSIT_REFUSED', { changes: { deposit: { currency: 'USD', minor: 0n } } }],
    'a deposit that converts to nothing': ['DEPOSIT_REFUSED', { changes: { deposit: { currency: 'USD', minor: 1n } } }],
    'more than the operator may owe': ['CREDIT_EXCEEDED', { changes: { deposit: { currency: 'USD', minor: 2224n } } }],
    'an operator without a limit': [
      'CREDIT_EXCEEDED',
      { by: 'west', changes: { transaction: 'west.1.1', deposit: { currency: 'USD', minor: 2n } } },
    ],
    'a currency that is none': ['RATE_UNKNOWN', { changes: { deposit: { currency: 'ZZZ', minor: 9n }, rate } }],
  };
  for (const [what, [expected, lie]] of Object.entries(lies)) {
    test(what, async () => {
      const world = await openWorld();
      const before = known(world);
      const refusal = world.mustOpen(amendedInitiation(world.clock.nowMs(), lie));
      await expect(refusal).rejects.toEqual(code(expected));
      await world.run();
      expect(known(world)).toBe(before);
      expect(world.sent).toEqual([]);
      // The next deposit, asked for honestly, is still to be had.
      const honest = amendedInitiation(world.clock.nowMs(), { changes: { transaction: 'north.1.2' } });
      expect(await world.mustOpen(honest)).toBeDefined();
    });
  }

  test('for good: a copy that comes when there would be room is refused in the same words', async () => {
    const world = await openedWorld();
    const early = amendedInitiation(world.clock.nowMs(), {
      changes: { transaction: 'north.1.2', deposit: { currency: 'EUR', minor: 1900n } },
    });
    const refusal = await world.initiate(early);
    expect(readMessage(depositRefusedType, refusal).value).toMatchObject({ code: 'CREDIT_EXCEEDED' });
    await world.record(spending.record('customer'), 'north');
    await world.record(spending.record('merchant'), 'ada');
    expect(exposureTo(world.host.state, 'north', 'EUR').openMinor).toBe(0n);
    expect(await world.initiate(early)).toEqual(refusal);
    expect(world.host.state.deposits.size).toBe(0);
  });

  test('and of strangers nothing is remembered: anybody with a certificate could fill the journal', async () => {
    const world = await openWorld();
    for (let number = 1; number <= 20; number++) {
      const changes = { transaction: `bob.${number}.1` };
      const asked = world.initiate(amendedInitiation(world.clock.nowMs(), { by: 'bob', changes }));
      await expect(asked).rejects.toEqual(code('OPERATOR_UNKNOWN'));
    }
    expect(world.journal.powerCut().frames).toEqual([]);
  });

  test('an amended initiation under another key', async () => {
    const world = await openWorld();
    const { value } = readMessage(amendedInitiationType, amendedInitiation(nowMs));
    const forged = { privateKey: stranger.privateKey, certificateChain: [Buffer.from('north')] };
    for (const signer of [forged, { privateKey: keysOf('north').privateKey }]) {
      const bytes = signMessage(amendedInitiationType, value, signer);
      await expect(world.initiate(bytes)).rejects.toEqual(code('CRYPTOGRAPHIC_FAILURE'));
    }
  });

  test('records of nobody’s deposit, from the wrong hands, under the wrong key', async () => {
    const world = await openWorld();
    const before = known(world);
    await expect(world.record(spending.record('customer'), 'north')).rejects.toEqual(code('DEPOSIT_UNKNOWN'));
    expect(known(world)).toBe(before);
    await world.initiate();
    const opened = known(world);
    const signed = (changes: object, keys = customerKeys) => {
      const { value } = readMessage(transactionRecordType, spending.record('customer'));
      return signMessage(transactionRecordType, { ...value, ...changes }, { privateKey: keys.privateKey });
    };
    const cases: readonly (readonly [string, Uint8Array, string])[] = [
      ['DEPOSIT_UNKNOWN', spending.record('customer'), 'west'],
      ['DEPOSIT_UNKNOWN', spending.record('customer'), 'ada'],
      ['DEPOSIT_UNKNOWN', spending.record('merchant'), 'north'],
      ['DEPOSIT_UNKNOWN', spending.record('merchant'), 'bob'],
      ['DEPOSIT_UNKNOWN', signed({ transaction: 'north.1.9' }), 'north'],
      ['CRYPTOGRAPHIC_FAILURE', signed({}, stranger), 'north'],
      ['CRYPTOGRAPHIC_FAILURE', signed({}, merchantKeys), 'north'],
      ['CRYPTOGRAPHIC_FAILURE', signed({ by: 'merchant' }), 'ada'],
      ['RECORD_UNFIT', signed({ currency: 'USD' }), 'north'],
      ['CRYPTOGRAPHIC_FAILURE', new Uint8Array(40), 'north'],
    ];
    for (const [expected, bytes, deliverer] of cases) {
      await expect(world.record(bytes, deliverer)).rejects.toEqual(code(expected));
    }
    expect(known(world)).toBe(opened);
    expect(world.sentOf(concludeType.name)).toEqual([]);
  });

  test('records before the merchant’s acknowledgement is here, which has to be waited for, and those of what it never acknowledged', async () => {
    const world = await openWorld({ deliver: () => Promise.reject(new Error('not now')) });
    void world.initiate();
    await world.run(10);
    expect(world.host.state.deposits.size).toBe(1);
    // Its acknowledgement may be on its way: refused now, its record would be lost, and the merchant be taken for silent.
    await expect(world.record(spending.record('merchant'), 'ada')).rejects.toEqual(code('ANSWER_PENDING'));
    await expect(world.record(spending.record('customer'), 'north')).rejects.toEqual(code('ANSWER_PENDING'));
    await expect(world.record(spending.record('merchant'), 'bob')).rejects.toEqual(code('DEPOSIT_UNKNOWN'));
    await world.run(HOUR);
    expect(world.host.state.deposits.size).toBe(0);
    await expect(world.record(spending.record('merchant'), 'ada')).rejects.toEqual(code('DEPOSIT_UNKNOWN'));
  });
});

describe('the merchant', () => {
  async function refusedBy(world: World, ms: number) {
    const waiting = world.initiate();
    await world.run(ms);
    const refusal = readMessage(depositRefusedType, await waiting);
    refusal.requireSignature(keysOf('south').publicKey);
    expect(world.host.state.deposits.size).toBe(0);
    expect(world.host.state.exposures.size).toBe(0);
    await world.run(48 * HOUR);
    expect(world.sentOf(clearingInformationType.name)).toEqual([]);
    return refusal.value;
  }

  test('who refuses is the answer, and the money is free again', async () => {
    const world = await openWorld({
      deliver: () => ({ type: 'refused', code: 'DEPOSIT_CLOSED', detail: 'x'.repeat(999) }),
    });
    const refusal = await refusedBy(world, 1000);
    expect(refusal).toEqual({ transaction, code: 'DEPOSIT_CLOSED', detail: 'x'.repeat(200) });
  });

  test('who never answers is refused in his name after a while', async () => {
    const world = await openWorld({ deliver: () => Promise.reject(new Error('down')) });
    const refusal = await refusedBy(world, 121_000);
    expect(refusal).toMatchObject({ transaction, code: 'DEPOSIT_REFUSED' });
  });

  test('is asked again until the answer is his own, of this deposit, with a key', async () => {
    const world = await openWorld();
    const answers = [
      () => ({ type: 'answered' as const, body: ACKNOWLEDGED }),
      (message: Parameters<typeof acknowledging>[0]) => acknowledging(message, 'bob'),
      (message: Parameters<typeof acknowledging>[0]) => acknowledging(message, 'ada', 'north.1.2'),
      () => {
        const value = { transaction, key: new Uint8Array(65).fill(4), url: 'https://ada.test' };
        const body = signMessage(acknowledgementType, value, {
          privateKey: keysOf('ada').privateKey,
          certificateChain: [Buffer.from('ada')],
        });
        return { type: 'answered' as const, body };
      },
    ];
    const wrong = answers.slice();
    world.answerWith((message) => (wrong.shift() ?? acknowledging)(message));
    const waiting = world.initiate();
    await world.run(30_000);
    expect(readMessage(operatorAcknowledgementType, await waiting).value.transaction).toBe(transaction);
    expect(world.sentOf(informationType.name)).toHaveLength(answers.length + 1);
    expect(sameBytes(world.sentOf(informationType.name))).toBe(true);
  });
});

describe('silence', () => {
  test('of the customer: the merchant gets what it proves, after the deadline and not before', async () => {
    const world = await openedWorld();
    await world.record(spending.record('merchant', 6, { units: 5000 }), 'ada');
    expect(world.sentOf(concludeType.name)).toEqual([]);
    await world.run(HOUR - 1);
    expect(world.sentOf(clearingInformationType.name)).toEqual([]);
    await world.run(2);
    const clearing = clearingOf(world);
    expect(clearing).toMatchObject({ paid: { minor: 95n }, unused: { minor: 805n }, count: 6 });
    expect(clearing.customerRecord).toBeUndefined();
    expect(clearing.reasons.join()).toContain('customer was silent');
  });

  test('of the merchant: the customer pays what he says he released', async () => {
    const world = await openedWorld();
    world.answerWith((message) => {
      if (message.kind === concludeType.name) throw new Error('down');
      return acknowledging(message);
    });
    await world.record(spending.record('customer'), 'north');
    await world.run(HOUR + 1);
    const clearing = clearingOf(world);
    expect(clearing).toMatchObject({ paid: { minor: 95n }, count: 6 });
    expect(clearing.merchantRecord).toBeUndefined();
    const asked = world.sentOf(concludeType.name).length;
    await world.run(HOUR);
    expect(world.sentOf(concludeType.name)).toHaveLength(asked);
  });

  test('of both: at the end the merchant is asked, and an hour later nothing was paid', async () => {
    const world = await openedWorld();
    await world.run(24 * HOUR - 1);
    expect(world.sentOf(concludeType.name)).toEqual([]);
    await world.run(2);
    expect(world.sentOf(concludeType.name)).toHaveLength(1);
    await world.run(HOUR - 10);
    expect(world.sentOf(clearingInformationType.name)).toEqual([]);
    await world.run(20);
    const clearing = clearingOf(world);
    expect(clearing).toMatchObject({ paid: { minor: 0n }, unused: { minor: 900n }, count: 0, head: EMPTY_HEAD });
    expect(world.host.state.exposures.size).toBe(0);
  });

  test('of a customer whose record comes after the end was told is over, and nobody is told twice', async () => {
    const world = await openedWorld();
    await world.run(24 * HOUR + 1);
    await world.run(HOUR / 2);
    await world.record(spending.record('customer'), 'north');
    expect(world.sentOf(concludeType.name)).toHaveLength(1);
    // The deadline stays the one that the merchant was told.
    const { deadlineMs } = readMessage(concludeType, world.sentOf(concludeType.name)[0]!.body).value;
    await world.run(deadlineMs - world.clock.nowMs() - 1);
    expect(world.sentOf(clearingInformationType.name)).toEqual([]);
    await world.run(2);
    expect(clearingOf(world)).toMatchObject({ paid: { minor: 95n }, count: 6 });
    await world.run(2 * HOUR);
    expect(world.sentOf(clearingInformationType.name)).toHaveLength(2);
  });

  test('of a merchant’s door ends with its record: it is asked no more, and no deadline is left', async () => {
    const world = await openedWorld();
    world.answerWith((message) => {
      if (message.kind === concludeType.name) throw new Error('down');
      return acknowledging(message);
    });
    await world.record(spending.record('customer'), 'north');
    await world.run(5000);
    const { machine, host, clock } = world;
    const bytes = spending.record('merchant');
    const input = { type: 'record' as const, transaction, by: 'merchant' as const, bytes };
    const decision = machine.decide(host.state, input, { nowMs: clock.nowMs(), random: () => new Uint8Array() });
    expect(decision.clearTimers).toEqual([`deposit ${transaction}`]);
    await world.record(bytes, 'ada');
    const asked = world.sentOf(concludeType.name).length;
    expect(asked).toBeGreaterThan(1);
    await world.run(HOUR / 2);
    expect(world.sentOf(concludeType.name)).toHaveLength(asked);
  });
});

describe('repetition', () => {
  test('gets the same answer and changes nothing, before and after the end', async () => {
    const world = await openWorld();
    const initiation = amendedInitiation(world.clock.nowMs());
    const answer = await world.initiate(initiation);
    const [customerRecord, merchantRecord] = [spending.record('customer'), spending.record('merchant')];
    await world.record(customerRecord, 'north');
    const before = known(world);
    expect(await world.initiate(initiation)).toEqual(answer);
    expect(await world.record(customerRecord, 'north')).toEqual(ACKNOWLEDGED);
    expect(known(world)).toBe(before);
    await world.record(merchantRecord, 'ada');
    await world.run();
    const finished = known(world);
    expect(await world.initiate(initiation)).toEqual(answer);
    expect(await world.record(customerRecord, 'north')).toEqual(ACKNOWLEDGED);
    expect(await world.record(merchantRecord, 'ada')).toEqual(ACKNOWLEDGED);
    await world.run();
    expect(known(world)).toBe(finished);
    expect(world.sentOf(clearingInformationType.name)).toHaveLength(2);
    expect(world.sentOf(informationType.name)).toHaveLength(1);
  });

  test('by the host or without it: no deposit opens twice, no record replaces another', async () => {
    const world = await openedWorld();
    const { machine, host, clock } = world;
    const env = { nowMs: clock.nowMs(), random: () => new Uint8Array() };
    const other = amendedInitiation(clock.nowMs(), { changes: { idleMs: 2000 } });
    await expect(world.initiate(other)).rejects.toEqual(code('MESSAGE_IDENTITY_REUSED'));
    const { value } = readMessage(amendedInitiationType, other);
    const again = { operator: 'north', initiation: value, customerKey: new Uint8Array(65), notAfterMs: value.endsAtMs };
    expect(() => machine.decide(host.state, { type: 'amended-initiation', ...again }, env)).toThrow('open already');
    await world.record(spending.record('customer'), 'north');
    const before = known(world);
    const smaller = spending.record('customer', 1);
    await expect(world.record(smaller, 'north')).rejects.toEqual(code('MESSAGE_IDENTITY_REUSED'));
    const input = { type: 'record' as const, transaction, by: 'customer' as const, bytes: smaller };
    expect(() => machine.decide(host.state, input, env)).toThrow('another record');
    expect(known(world)).toBe(before);
  });

  test('of a record that comes late for the first time is answered, if it is the side’s own', async () => {
    const world = await openedWorld();
    await world.run(26 * HOUR);
    expect(world.host.state.deposits.size).toBe(0);
    await expect(world.record(spending.record('merchant'), 'bob')).rejects.toEqual(code('DEPOSIT_UNKNOWN'));
    const before = known(world);
    expect(await world.record(spending.record('merchant'), 'ada')).toEqual(ACKNOWLEDGED);
    await world.run(2 * HOUR);
    expect(known(world)).toBe(before);
    expect(world.sentOf(clearingInformationType.name)).toHaveLength(2);
    expect(await findDeposit(world.host, 'north.7.7')).toBeUndefined();
  });

  test('of clearing information goes on until it is taken, refused or not', async () => {
    const world = await openedWorld();
    let refusals = 3;
    world.answerWith((message) => {
      if (message.to.startsWith('https://north') && refusals-- > 0) return { type: 'refused', code: 'X', detail: '' };
      return acknowledging(message);
    });
    await world.record(spending.record('customer'), 'north');
    await world.record(spending.record('merchant'), 'ada');
    await world.run(HOUR);
    const messages = world.sentOf(clearingInformationType.name);
    expect(messages.filter(({ to }) => to.startsWith('https://north'))).toHaveLength(4);
    expect(messages).toHaveLength(5);
    expect(sameBytes(messages)).toBe(true);
  });
});

describe('what an operator may owe', () => {
  const numbered = (world: World, number: number, minor: bigint) =>
    world.mustOpen(
      amendedInitiation(world.clock.nowMs(), {
        changes: { transaction: `north.${number}.1`, deposit: { currency: 'EUR', minor } },
      }),
    );

  test('bounds deposits opened at the same time', async () => {
    const world = await openWorld();
    const outcomes = await Promise.allSettled(
      [500n, 900n, 700n, 600n, 1n].map((minor, at) => numbered(world, at + 1, minor)),
    );
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, false]);
    expect(exposureTo(world.host.state, 'north', 'EUR').openMinor).toBe(2000n);
  });

  test('is less by what is cleared and not settled, until it is settled', async () => {
    const world = await openedWorld();
    await world.record(spending.record('customer'), 'north');
    await world.record(spending.record('merchant'), 'ada');
    await expect(numbered(world, 2, 1906n)).rejects.toEqual(code('CREDIT_EXCEEDED'));
    const settled = { operator: 'north', amount: { currency: 'EUR', minor: 90n } };
    for (let times = 0; times < 3; times++) await world.settle('south.north.EUR.1', settled);
    expect(exposureTo(world.host.state, 'north', 'EUR')).toEqual({ openMinor: 0n, clearedMinor: 5n });
    await world.settle('south.north.EUR.2', { ...settled, amount: { currency: 'USD', minor: 90n } });
    await expect(numbered(world, 3, 1996n)).rejects.toEqual(code('CREDIT_EXCEEDED'));
    // Set off together with what we did not count: never less than nothing is owed.
    await world.settle('south.north.EUR.3', settled);
    expect(world.host.state.exposures.size).toBe(0);
    await expect(numbered(world, 4, 2001n)).rejects.toEqual(code('CREDIT_EXCEEDED'));
    expect(await numbered(world, 5, 2000n)).toBeDefined();
    await expect(world.settle('x', { ...settled, amount: { currency: 'EUR', minor: -5n } })).rejects.toEqual(
      code('RECORD_UNFIT'),
    );
  });

  test('leaves room for a bounded number of deposits, however small', async () => {
    const world = await openWorld({ policy: { maxOpen: 2 } });
    await numbered(world, 1, 1n);
    await numbered(world, 2, 1n);
    await expect(numbered(world, 3, 1n)).rejects.toEqual(code('DEPOSIT_REFUSED'));
    await world.run(26 * HOUR);
    expect(await numbered(world, 4, 1n)).toBeDefined();
  });
});

test('a snapshot in the middle is the same state, and goes on the same way', async () => {
  const world = await openedWorld();
  await world.record(spending.record('customer'), 'north');
  const other = amendedInitiation(world.clock.nowMs(), { changes: { transaction: 'north.2.1' } });
  await world.initiate(other);
  await world.record(spending.record('merchant'), 'ada');
  const { machine, host } = world;
  expect(exposureTo(host.state, 'north', 'EUR')).toEqual({ openMinor: 900n, clearedMinor: 95n });
  const restored = machine.restore(machine.snapshot(host.state));
  expect(restored).toEqual(host.state);
  expect(equalBytes(machine.snapshot(restored), machine.snapshot(host.state))).toBe(true);
});
