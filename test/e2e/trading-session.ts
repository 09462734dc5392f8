/** One trading session of the customer with `atlas` in a world of parties, with everything that crossed the wire for it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMessage } from '../../src/crypto/signed-message.ts';
import { clearingInformationType, statementType, transactionRecordType } from '../../src/deposit/message/conclusion.ts';
import { amendedInitiationType, informationType, initiationType } from '../../src/deposit/message/initiation.ts';
import { parseAmount } from '../../src/money/amount.ts';
import type { ClearedDeposit } from '../../src/party/purse/customer-statement.ts';
import type { FetchEnd, Fetched, FetchOrder } from '../../src/party/purse/paid-fetch.ts';
import type { PartyWorld } from './party-world.ts';
import { until } from './until.ts';
import { type Wire, wireOf } from './wire.ts';

/** Changes a part of a party's configuration. */
export function configure(
  home: string,
  party: string,
  part: 'deposits' | 'paid',
  changes: Readonly<Record<string, unknown>>,
): void {
  const file = join(home, party, 'party.json');
  const configuration = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...configuration, [part]: { ...configuration[part], ...changes } }));
}

/** 0.0004 USD each. */
export const LOOKUP = '/paid/country-facts?find=France';

export interface Bought {
  readonly answers: readonly Fetched[];
  /** The code of what ended it early. */
  readonly failed: string | undefined;
  readonly end: FetchEnd;
}

/** Buys at `atlas` unless another URL is given. */
export async function buyLookups(world: PartyWorld, more: Partial<FetchOrder> = {}): Promise<Bought> {
  const order = {
    ...{ urls: [`${world.paidUrlOf('atlas')}${LOOKUP}`], times: 1, atOnce: 8, method: 'GET', headers: {} },
    ...{ body: new Uint8Array(), ...more },
  };
  const answers: Fetched[] = [];
  let failed: string | undefined;
  let end: FetchEnd | undefined;
  for await (const event of world.deposits().fetch(order)) {
    if (event.type === 'answer') answers.push(event);
    else if (event.type === 'failed') failed = event.code;
    else end = event;
  }
  return { answers, failed, end: end! };
}

export interface Session {
  readonly transaction: string;
  readonly wire: Wire;
  readonly closed: ClearedDeposit;
}

/** From opening to statements on both sides. Which record comes first is left to chance, unless it is the merchant's. */
export async function tradingSession(
  world: PartyWorld,
  options: { readonly times?: number; readonly amount?: string; readonly merchantFirst?: true } = {},
): Promise<Session> {
  const { times = 1, amount = '1.00EUR', merchantFirst } = options;
  const since = world.messages.length;
  const wire = () => wireOf(world.messages.slice(since));
  const heard = (spoken: string) => until(wire, (now) => now.spoken.includes(spoken));
  const { desk } = world.deposits();
  const { transaction } = await desk.open({ url: `${world.paidUrlOf('atlas')}${LOOKUP}`, amount: parseAmount(amount) });
  if (times > 0) await buyLookups(world, { times });
  if (merchantFirst) world.cut.add('customer → south deposit-record');
  const closing = desk.close(transaction!);
  if (merchantFirst) await heard('north → atlas deposit-recordAnswer');
  world.cut.delete('customer → south deposit-record');
  const closed = await closing;
  await heard('atlas → north deposit-statementAnswer');
  return { transaction: transaction!, wire: wire(), closed };
}

/** The messages of a session as their receivers read them. */
export function readSession({ wire }: Pick<Session, 'wire'>) {
  const { bytes: statement } = wire.first('south → customer deposit-recordAnswer');
  return {
    initiation: readMessage(initiationType, wire.first('customer → south deposit-initiation').bytes).value,
    amended: readMessage(amendedInitiationType, wire.first('south → north deposit-amended-initiation').bytes).value,
    information: readMessage(informationType, wire.first('north → atlas deposit-information').bytes).value,
    customerRecord: readMessage(transactionRecordType, wire.first('customer → south deposit-record').bytes).value,
    merchantRecord: readMessage(transactionRecordType, wire.first('atlas → north deposit-record').bytes).value,
    statement: readMessage(statementType, statement).value,
    clearing: readMessage(clearingInformationType, readMessage(statementType, statement).value.clearing).value,
  };
}
