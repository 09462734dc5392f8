/** The doors of an operator for deposits: who is asking is what the certificate of the connection says, and each message its signature. */
import { sha256 } from '../../crypto/digest.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import type { AccountInput } from '../../deposit/account-manager/account-input.ts';
import type { AccountPolicy } from '../../deposit/account-manager/account-policy.ts';
import type { AccountRecord } from '../../deposit/account-manager/account-record.ts';
import type { AccountState } from '../../deposit/account-manager/account-state.ts';
import { answerRates } from '../../deposit/account-manager/answer-rates.ts';
import {
  type Arrived,
  findDeposit as findAccountDeposit,
  receiveRecord as receiveCustomerRecord,
  receiveInitiation,
  receiveLogOn,
} from '../../deposit/account-manager/receive-customer.ts';
import { receiveClearing, receiveSettlement } from '../../deposit/account-manager/receive-operator.ts';
import type { AcquirerInput } from '../../deposit/acquirer/acquirer-input.ts';
import type { AcquirerRecord, AcquirerState } from '../../deposit/acquirer/acquirer-state.ts';
import { findDeposit } from '../../deposit/acquirer/find-deposit.ts';
import { receiveAmendedInitiation } from '../../deposit/acquirer/receive-amended-initiation.ts';
import { receiveRecord } from '../../deposit/acquirer/receive-record.ts';
import { clearingInformationType, settlementType, transactionRecordType } from '../../deposit/message/conclusion.ts';
import { amendedInitiationType, initiationType, logOnType } from '../../deposit/message/initiation.ts';
import { ratesRequestType } from '../../deposit/message/rates-request.ts';
import { pathOf } from '../../deposit/message/route.ts';
import type { Host } from '../../journal/host.ts';
import type { Amount } from '../../money/amount.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';
import type { ValidateChain } from '../running/deposit-trust.ts';
import { peerName } from '../running/peer-name.ts';

const SIGNED = 'application/cose';

const RECORD = `POST ${pathOf(transactionRecordType)}` as const;
const SETTLEMENT = `POST ${pathOf(settlementType)}` as const;

interface AccountDoors {
  readonly accounts: Host<AccountState, AccountInput, AccountRecord>;
  readonly policy: AccountPolicy;
  readonly validate: ValidateChain;
  nowMs(): number;
  /** Where the accounts are kept elsewhere: what a customer could set aside. */
  readonly lookUp?: ((customer: string) => Promise<Amount>) | undefined;
}

interface AcquirerDoors {
  readonly acquirer: Host<AcquirerState, AcquirerInput, AcquirerRecord>;
  readonly operators: AccountPolicy['operators'];
  readonly validate: ValidateChain;
  nowMs(): number;
}

export function operatorDepositRoutes(given: AccountDoors & Pick<AcquirerDoors, 'acquirer'>): Routes {
  return withAcquirer(accountRoutes(given), { ...given, operators: given.policy.operators });
}

/** What the accounts answer by themselves. Records are those of customers, and of settlements nobody else is told. */
export function accountRoutes({ accounts, policy, validate, nowMs, lookUp }: AccountDoors): Routes {
  const toAccounts = (read: (body: Uint8Array) => Arrived<AccountInput> | Promise<Arrived<AccountInput>>): Handler => {
    return async ({ body }) => ({ contentType: SIGNED, body: await accounts.handle(await read(body)) });
  };

  const logOn = async (body: Uint8Array): Promise<Arrived<AccountInput>> => {
    const arrived = receiveLogOn(body, validate);
    if (lookUp === undefined) return arrived;
    return { ...arrived, input: { ...arrived.input, available: await lookUp(arrived.input.customer) } };
  };

  return {
    [`POST ${pathOf(logOnType)}`]: toAccounts(logOn),
    [`POST ${pathOf(initiationType)}`]: toAccounts((body) => receiveInitiation(body, validate, accounts.state)),
    [`POST ${pathOf(ratesRequestType)}`]: async ({ body }: Request) => {
      const given = { policy, validateCustomer: validate, state: accounts.state, nowMs: nowMs() };
      return { contentType: SIGNED, body: answerRates(body, given) };
    },
    [RECORD]: toAccounts((body) => receiveCustomerRecord(body, (one) => findAccountDeposit(accounts, one))),
    [`POST ${pathOf(clearingInformationType)}`]: toAccounts((body) =>
      receiveClearing(body, validate, { policy, state: accounts.state }),
    ),
    [SETTLEMENT]: toAccounts((body) => receiveSettlement(body, validate)),
  };
}

/** The doors of the accounts, wherever they are, with those of the acquirer beside and before them. */
export function withAcquirer(accounts: Routes, { acquirer, operators, validate, nowMs }: AcquirerDoors): Routes {
  /** Of the customer from the customer or, on its way, from its operator; of the merchant from the merchant. */
  const record: Handler = async (request) => {
    const { body, peer } = request;
    const deliverer = peerName(peer);
    const { by } = readMessage(transactionRecordType, body).value;
    if (by === 'customer' && !operators.has(deliverer)) return accounts[RECORD]!(request);
    const input = await receiveRecord(body, { deliverer, find: (one) => findDeposit(acquirer, one) });
    const messageId = `record:${input.transaction}:${input.by}`;
    return { contentType: SIGNED, body: await acquirer.handle({ messageId, digest: sha256(body), input }) };
  };

  /** On the accounts first: the payer repeats its message until both know. */
  const settlement: Handler = async (request) => {
    const { messageId, digest, input } = receiveSettlement(request.body, validate);
    const answer = await accounts[SETTLEMENT]!(request);
    const { operator, settlement: paid } = input;
    await acquirer.handle({ messageId, digest, input: { type: 'settled', operator, amount: paid.amount } });
    return answer;
  };

  const amendedInitiation: Handler = async ({ body }) => {
    const input = receiveAmendedInitiation(body, { validate, nowMs: nowMs() });
    const messageId = `amended-initiation:${input.initiation.transaction}`;
    return { contentType: SIGNED, body: await acquirer.handle({ messageId, digest: sha256(body), input }) };
  };

  return {
    ...accounts,
    [RECORD]: record,
    [SETTLEMENT]: settlement,
    [`POST ${pathOf(amendedInitiationType)}`]: amendedInitiation,
  };
}
