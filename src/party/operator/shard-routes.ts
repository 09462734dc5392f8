/**
 * Which shard a message is for, by what stands in it. Nothing is believed here but that: the shard checks the signature, and a message that
 * lies about its sender is refused there.
 */
import { z } from 'zod';
import { type MessageType, readMessage } from '../../crypto/signed-message.ts';
import type { ShardMap } from '../../deposit/account-manager/shard-map.ts';
import { clearingInformationType, settlementType, transactionRecordType } from '../../deposit/message/conclusion.ts';
import { DepositError } from '../../deposit/message/deposit-error.ts';
import { initiationType, logOnType } from '../../deposit/message/initiation.ts';
import { ratesRequestType } from '../../deposit/message/rates-request.ts';
import { pathOf } from '../../deposit/message/route.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';
import { readRequest } from '../owner/control-request.ts';
import { forOwnPeople } from '../owner/own-commands.ts';
import type { ShardDoor } from './shard-door.ts';

const fund = z.looseObject({ customer: z.string().max(64) });
export function shardRoutes(given: {
  readonly name: string;
  readonly map: ShardMap;
  readonly door: ShardDoor;
}): Routes {
  const { name, map, door } = given;
  const ofSession = (transaction: string): number => {
    const shard = map.ofSession(transaction);
    if (shard === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such transaction');
    return shard;
  };
  const by = <T>(type: MessageType<T>, find: (value: T, body: Uint8Array) => number): Handler => {
    const path = pathOf(type);
    return async (request) => door.forward(find(readMessage(type, request.body).value, request.body), path, request);
  };
  return {
    [`POST ${pathOf(logOnType)}`]: by(logOnType, (_, body) => map.ofCustomer(signerOf(logOnType, body))),
    [`POST ${pathOf(ratesRequestType)}`]: by(ratesRequestType, (_, body) =>
      map.ofCustomer(signerOf(ratesRequestType, body)),
    ),
    [`POST ${pathOf(initiationType)}`]: by(initiationType, ({ transaction }) => ofSession(transaction)),
    [`POST ${pathOf(transactionRecordType)}`]: by(transactionRecordType, ({ transaction }) => ofSession(transaction)),
    // To whoever pays: our customer, or the operator that owes us from then on. The payee's shard hears of it from there.
    [`POST ${pathOf(clearingInformationType)}`]: by(clearingInformationType, ({ accountManager, transaction }) =>
      accountManager === name ? ofSession(transaction) : map.ofOperator(accountManager),
    ),
    [`POST ${pathOf(settlementType)}`]: by(settlementType, ({ settlement }) =>
      map.ofOperator(settlement.split('.')[0]!),
    ),
    ...forOwnPeople(name, {
      'POST /operator/fund': async (request: Request) => {
        return door.forward(map.ofCustomer(readRequest(request, fund).customer), '/operator/fund', request);
      },
    }),
  };
}

/** The name in its first certificate, whoever signed. @throws CryptographicError when there is none */
function signerOf(type: MessageType<unknown>, body: Uint8Array): string {
  const [leaf] = readMessage(type, body).certificateChain;
  try {
    const signer = leaf && nameAttribute(readCertificate(leaf).subject, 'CN');
    if (signer !== undefined) return signer;
  } catch (cause) {
    throw new CryptographicError(cause);
  }
  throw new CryptographicError(new Error('the message names nobody'));
}
