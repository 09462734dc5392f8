/** The acquirer of south between two real account managers: what one writes the other reads, and the money adds up. */
import { expect, test } from 'vitest';
import { fromUtf8 } from '../../../src/codec/hex.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import type { Validate } from '../../../src/deposit/acquirer/acquirer-policy.ts';
import { receiveAmendedInitiation } from '../../../src/deposit/acquirer/receive-amended-initiation.ts';
import {
  clearingInformationType,
  statementType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import {
  acknowledgementType,
  depositRefusedType,
  informationType,
  loggedOnType,
  openedType,
} from '../../../src/deposit/message/initiation.ts';
import { readTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { answered, EUR_USD, keysOf, NOTHING, openBanks, signerOf, takeIn, usd } from '../account-manager/banks.ts';
import { createSpending } from '../message/spending-fixture.ts';
import { openWorld } from './acquirer-world.ts';

const validate: Validate = ([leaf]) => {
  const name = fromUtf8(leaf!);
  return { name, publicKey: keysOf(name).publicKey };
};

async function openBoth(limitMinor: bigint) {
  const banks = await openBanks();
  const limits = [{ currency: 'USD', theyMayOweMinor: limitMinor }];
  const world = await openWorld({
    clock: banks.clock,
    policy: {
      signer: signerOf('south'),
      accountManagerUrl: 'https://south',
      operators: new Map([['north', { url: 'https://north', limits }]]),
      merchants: new Map([['shop', { url: 'https://shop', currency: 'USD' }]]),
      validateMerchant: validate,
      rate: () => EUR_USD,
    },
    async deliver({ to, kind, body }) {
      if (kind === informationType.name) {
        const { transaction } = readMessage(informationType, body).value;
        const key = exportPoint(keysOf('till').publicKey);
        const value = { transaction, key, url: 'https://shop/buy' };
        return answered(signMessage(acknowledgementType, value, signerOf('shop')));
      }
      if (kind !== clearingInformationType.name) return answered(NOTHING);
      return answered(await takeIn(banks.host(to.startsWith('https://north') ? 'north' : 'south'), kind, body));
    },
  });
  banks.acquirer = async (body) => {
    try {
      const input = receiveAmendedInitiation(body, { validate, nowMs: banks.clock.nowMs() });
      const messageId = `amended-initiation:${input.initiation.transaction}`;
      return answered(await world.host.handle({ messageId, digest: sha256(body), input }));
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { type: 'refused', code, detail: message };
    }
  };
  const { transaction } = readMessage(loggedOnType, await banks.logOn()).value;
  return { banks, world, transaction };
}

test('a deposit is opened, spent, cleared and stated on both accounts', async () => {
  const { banks, world, transaction } = await openBoth(10_000n);
  const opened = readMessage(openedType, await banks.initiate(transaction)).value;
  expect(opened).toMatchObject({ transaction, rate: EUR_USD, deposit: usd(2164n), url: 'https://shop/buy' });
  const { certificate } = readTemporaryCertificate(opened.certificate, {
    ...{ transaction, of: 'merchant', issuer: 'north', issuerKey: keysOf('north').publicKey },
    nowMs: banks.clock.nowMs(),
  });
  expect(certificate.key).toEqual(exportPoint(keysOf('till').publicKey));

  const spending = createSpending({
    ...{ transaction, currency: 'USD', unitNano: 1_000_000_000 },
    ...{ customer: keysOf('temporary'), merchant: keysOf('till') },
  });
  for (const units of [4, 10, 1]) spending.buy(units);
  const statement = takeIn(banks.host('north'), transactionRecordType.name, spending.record('customer'));
  await banks.pass(100);
  const carried = banks.sent.find(({ kind }) => kind === transactionRecordType.name);
  expect(await world.record(carried!.body, 'north')).toEqual(NOTHING);
  expect(await world.record(spending.record('merchant'), 'shop')).toEqual(NOTHING);
  await banks.pass(1000);

  const { booked } = readMessage(statementType, await statement).value;
  expect(booked).toEqual({ currency: 'EUR', minor: 1387n });
  expect(banks.balance('north', 'customer:alice')).toMatchObject({ balance: 10_000n - 1387n, held: 0n });
  const told = banks.sent.find(({ kind, to }) => kind === statementType.name && to.startsWith('https://shop'));
  expect(readMessage(statementType, told!.body).value.booked).toEqual(usd(1500n));
  expect(world.host.state.deposits.size).toBe(0);
  banks.check();
});

test('a deposit above the limit between operators is refused, and the customer’s money is free', async () => {
  const { banks, transaction } = await openBoth(2163n);
  const refusal = readMessage(depositRefusedType, await banks.initiate(transaction)).value;
  expect(refusal).toMatchObject({ transaction, code: 'CREDIT_EXCEEDED' });
  expect(banks.host('north').state.deposits.size).toBe(0);
});
