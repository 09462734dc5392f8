/** What must be true when a world of SET purchases has come to rest: everything has ended, once, and all parties tell the same story. */
import { fromHex, toHex } from '../../src/codec/hex.ts';
import type { OpenWork } from '../../src/journal/open-work.ts';
import { clearingAccount } from '../../src/ledger/clearing.ts';
import { ledgerViolations } from '../../src/ledger/invariant.ts';
import { findAccount, type LedgerState } from '../../src/ledger/ledger.ts';
import { merchantAccount, merchantKey } from '../../src/set/interchange/acquirer-request.ts';
import { fundingAccount, settlementAccount } from '../../src/set/interchange/ledger-step.ts';
import type { FinishedOrder } from '../../src/set/merchant/order.ts';
import { orderKey } from '../../src/set/merchant/order.ts';
import { retrievalReferenceOf } from '../../src/set/message/card-message-identity.ts';
import { paymentKey } from '../../src/set/wallet/wallet-decision.ts';
import { acquirerId, cardNames, cards, issuerId, merchantId } from './set-people.ts';
import type { Purchase, Shopping } from './set-shopping.ts';
import type { SetWorld } from './set-world.ts';
import type { WorldMachine } from './simulation.ts';

export interface Findings {
  readonly faults: readonly string[];
  /** How often purchases ended which way, to show that the world is neither too kind nor too cruel. */
  readonly ends: ReadonlyMap<string, number>;
}

interface Scene {
  readonly shopping: Shopping;
  readonly parties: SetWorld;
}

export async function findFaults(scene: Scene): Promise<Findings> {
  const ends = new Map<string, number>();
  const movements = await readMovements(scene);
  const faults = [...movements.faults];
  for (const purchase of scene.shopping.purchases) {
    const { end, wrong } = await judge(purchase, scene, movements);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    faults.push(...wrong.map((what) => `${purchase.paymentId.slice(0, 6)} (${end}): ${what}`));
  }
  faults.push(...guardFaults(scene), ...ledgerFaults(scene.parties, movements), ...(await restFaults(scene.parties)));
  return { faults, ends };
}

/** Net effect by retrieval reference: how often charged or held, and for how much. */
interface Movement {
  posted: number;
  postedMinor: bigint;
  held: number;
  account: string;
}

interface Movements {
  readonly faults: readonly string[];
  readonly issuer: Map<string, Movement>;
  readonly acquirer: Map<string, Movement>;
}

const referenceOf = (key: string) => key.split(':')[1]!;

/** The banks' own journals, since what is settled is no longer in their states. */
async function readMovements({ parties }: Scene): Promise<Movements> {
  const faults: string[] = [];
  const issuer = new Map<string, Movement>();
  const acquirer = new Map<string, Movement>();
  const at = (table: Map<string, Movement>, key: string) => {
    const reference = referenceOf(key);
    const found = table.get(reference) ?? { posted: 0, postedMinor: 0n, held: 0, account: '' };
    table.set(reference, found);
    return found;
  };
  const { cards: known } = parties.issuer.host!.state;
  for (const [cardId, { account }] of known) {
    const standing = new Map<string, { status: 'held' | 'posted'; minor: bigint }>();
    for (const record of await parties.issuer.host!.readByKey(`card:${cardId}`)) {
      if (record.type === 'approved' || record.type === 'captured') {
        const { status, amount } = record.payment;
        const before = standing.get(record.key);
        const movement = at(issuer, record.key);
        movement.account = account;
        // Approved twice without being undone in between would be charged twice.
        if (before?.status === 'held' && record.type === 'captured') movement.held--;
        movement[status]++;
        if (status === 'posted') movement.postedMinor += amount.minor;
        standing.set(record.key, { status, minor: amount.minor });
      } else if (record.type === 'reversed' || record.type === 'lapsed') {
        const before = standing.get(record.key);
        if (before === undefined) {
          faults.push(`the issuer undid ${record.key}, which it never approved`);
          continue;
        }
        const movement = at(issuer, record.key);
        movement[before.status]--;
        if (before.status === 'posted') movement.postedMinor -= before.minor;
        standing.delete(record.key);
      }
    }
  }
  for (const transfer of await acquirerTransfers(parties)) {
    const movement = at(acquirer, transfer.key);
    movement.posted += transfer.sign;
    movement.postedMinor += BigInt(transfer.sign) * transfer.minor;
  }
  for (const [key, { status }] of parties.acquirer.host!.state.payments) {
    if (status === 'authorised') at(acquirer, key).held++;
  }
  return { faults, issuer, acquirer };
}

async function acquirerTransfers({ acquirer }: SetWorld) {
  const found: { key: string; sign: 1 | -1; minor: bigint }[] = [];
  const amounts = new Map<string, bigint>();
  for (const record of await acquirer.host!.readByKey(merchantKey(merchantId))) {
    if (record.type === 'captured') {
      amounts.set(record.key, record.payment.amount.minor);
      found.push({ key: record.key, sign: 1, minor: record.payment.amount.minor });
    } else if (record.type === 'reversed' && record.effect === 'undone') {
      found.push({ key: record.key, sign: -1, minor: amounts.get(record.key)! });
    }
  }
  return found;
}

interface Verdict {
  readonly end: string;
  readonly wrong: readonly string[];
}

async function judge(purchase: Purchase, scene: Scene, movements: Movements): Promise<Verdict> {
  const { paymentId, claim, captureNow } = purchase;
  const { guard, wallet, merchant, shopHeard } = scene.parties;
  const wrong: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };

  const payment = guard.host!.state.payments.get(paymentId);
  const outcomes = (await wallet.host!.readByKey(paymentKey(paymentId))).flatMap((record) =>
    record.type === 'finished' ? [record.outcome] : [],
  );
  const open = merchant.host!.state.orders.get(paymentId);
  const finished = (await merchant.host!.readByKey(orderKey(paymentId))).flatMap((record) =>
    record.type === 'finished' ? [record.finished] : [],
  );
  const ordered: FinishedOrder | undefined = finished[0];
  const orderStatus = ordered?.status ?? open?.phase ?? 'unknown';
  const end = `guard ${payment?.status ?? 'refused'}, wallet ${outcomes[0]?.status ?? '-'} ${outcomes[0]?.reason ?? ''}, merchant ${orderStatus} ${ordered?.reason ?? ''}`;

  // Ends.
  must(payment?.status !== 'paying' && payment?.status !== 'awaiting-approval', 'the guard still waits');
  must(outcomes.length <= 1, `the wallet finished it ${outcomes.length} times`);
  must(!wallet.host!.state.payments.has(paymentId), 'the wallet still waits');
  must(finished.length <= 1, `the merchant finished it ${finished.length} times`);
  must(ordered !== undefined || open?.phase === 'authorized', 'the merchant never finished it');
  const heard = [...shopHeard.values()]
    .filter(({ orderId }) => toHex(orderId) === paymentId)
    .map(({ status }) => status);
  const finals = heard.filter((status) => status !== 'authorized' && status !== 'unreversed');
  must(ordered === undefined || (finals.length === 1 && finals[0] === ordered.status), `the shop heard ${heard}`);

  // Agreement of wallet, guard and merchant.
  must(outcomes[0] === undefined || payment?.status === outcomes[0].status, 'guard and wallet disagree');
  const paid = outcomes[0]?.status === 'paid';
  // What was given back the wallet may know as paid, or, when it asks only afterwards, as rejected.
  const granted = orderStatus === 'paid' || orderStatus === 'authorized' || (paid && orderStatus === 'reversed');
  must(paid === granted, 'wallet and merchant disagree');
  must(
    (outcomes[0]?.status === 'declined') === (orderStatus === 'declined'),
    'only one of wallet and merchant saw a decline',
  );

  // The money.
  const xid = ordered?.initiation?.xid ?? open?.initiation?.xid;
  const reference = xid === undefined ? '' : retrievalReferenceOf(fromHex(xid));
  const [issued, acquired] = [movements.issuer.get(reference), movements.acquirer.get(reference)];
  const posted = issued?.posted ?? 0;
  const held = issued?.held ?? 0;
  const { minor } = claim.price;
  if (orderStatus === 'paid')
    must(posted === 1 && held === 0, `paid, but charged ${posted} times and held ${held} times`);
  else if (orderStatus === 'authorized')
    must(posted + held === 1, `authorized, but charged ${posted} times and held ${held} times`);
  else must(posted === 0 && held === 0, `not paid, but charged ${posted} times and held ${held} times`);
  if (posted > 0)
    must(issued!.postedMinor === minor && issued!.account === purchase.cardName, 'another amount or account charged');
  must(
    (acquired?.posted ?? 0) === posted,
    `the acquirer counts ${acquired?.posted ?? 0} charges, the issuer ${posted}`,
  );
  must((acquired?.postedMinor ?? 0n) === (issued?.postedMinor ?? 0n), 'acquirer and issuer charged different amounts');
  must((acquired?.held ?? 0) === held, `the acquirer holds ${acquired?.held ?? 0}, the issuer ${held}`);
  if (captureNow)
    must(orderStatus !== 'authorized' && orderStatus !== 'reversed', 'only authorized, although it was to be captured');

  // Where nothing stands in the way the purchase succeeds, or is declined by the bank.
  const easy =
    purchase.deadlineMs > 100_000 &&
    purchase.expiresAtMs > 100_000 &&
    orderStatus !== 'reversed' &&
    scene.shopping.stale.length === 0;
  if (easy && outcomes[0] !== undefined)
    must(outcomes[0].status !== 'failed', `failed for ${outcomes[0].reason} without need`);
  return { end, wrong };
}

function guardFaults({ shopping, parties }: Scene): string[] {
  const { mandates, payments, purses } = parties.guard.host!.state;
  const faults: string[] = [];
  const spent = (mandateId?: string) =>
    [...payments.values()].filter(
      (payment) => payment.status === 'paid' && (mandateId === undefined || payment.mandateId === mandateId),
    );
  const sum = (list: ReturnType<typeof spent>) => list.reduce((total, { price }) => total + price.minor, 0n);
  for (const { terms } of shopping.mandates) {
    const mandate = mandates.get(terms.mandateId);
    const own = spent(terms.mandateId);
    if (sum(own) > terms.budgetMinor || own.length > terms.count)
      faults.push(`${terms.mandateId}: the budget is overspent`);
    if (mandate?.committedMinor !== sum(own) || mandate.committedCount !== own.length) {
      faults.push(`${terms.mandateId}: the guard sets aside ${mandate?.committedMinor}, paid were ${sum(own)}`);
    }
  }
  const purse = purses.get('pocket') ?? 0n;
  if (purse !== sum(spent()))
    faults.push(`the guard sets aside ${purse} of the shared budget, paid were ${sum(spent())}`);
  if (sum(spent()) > shopping.mandates[0]!.terms.purse!.limitMinor) faults.push('the shared budget is overspent');
  return faults;
}

function ledgerFaults({ issuer, acquirer }: SetWorld, movements: Movements): string[] {
  const [own, other] = [issuer.host!.state.ledger, acquirer.host!.state.ledger];
  const faults = [
    ...ledgerViolations(own).map((what) => `issuer: ${what}`),
    ...ledgerViolations(other).map((what) => `acquirer: ${what}`),
  ];
  const expect = (ledger: LedgerState, account: string, minor: bigint) => {
    const found = findAccount(ledger, account)?.balance;
    if (found !== minor) faults.push(`account ${account} has ${found}, expected ${minor}`);
  };
  const charged = [...movements.issuer.values()];
  const total = charged.reduce((sum, { postedMinor }) => sum + postedMinor, 0n);
  let fundedMinor = 0n;
  for (const name of cardNames) {
    const minor = charged
      .filter(({ account }) => account === name)
      .reduce((sum, { postedMinor }) => sum + postedMinor, 0n);
    expect(own, name, cards[name].fundsMinor - minor);
    fundedMinor += cards[name].fundsMinor;
  }
  expect(own, fundingAccount('EUR'), -fundedMinor);
  expect(other, merchantAccount(merchantId, 'EUR'), total);
  const { payments } = issuer.host!.state;
  const held = [...payments].filter(([, { status }]) => status === 'held').map(([key]) => key);
  for (const hold of own.holds.keys())
    if (!held.includes(hold)) faults.push(`the issuer holds ${hold} without a payment`);
  for (const key of held) if (!own.holds.has(key)) faults.push(`the issuer does not hold ${key}`);
  // Every batch was closed and settled.
  expect(own, clearingAccount(acquirerId, 'EUR'), 0n);
  expect(other, clearingAccount(issuerId, 'EUR'), 0n);
  expect(own, settlementAccount('EUR'), total);
  expect(other, settlementAccount('EUR'), -total);
  for (const [book, { phase }] of acquirer.host!.state.books) faults.push(`book ${book} is ${phase}`);
  return faults;
}

/** Nobody owes an answer or a message, and a restart finds the state as it was. */
async function restFaults(parties: SetWorld): Promise<string[]> {
  const { guard, wallet, merchant, gateway, acquirer, issuer } = parties;
  return [
    ...(await restOf(guard)),
    ...(await restOf(wallet)),
    ...(await restOf(merchant)),
    ...(await restOf(gateway)),
    ...(await restOf(acquirer)),
    ...(await restOf(issuer)),
  ];
}

/** Holds that lapse, and bars against what a reversal overtook, outlast the world. */
const longTimer = /^(lapse|bar)\/|^(hold|bar):/;

async function restOf<S, I, R>(machine: WorldMachine<S, I, R>): Promise<string[]> {
  const before = toHex(machine.snapshotNow());
  const { snapshot, work } = await machine.lastWords();
  const faults = owed(work).map((what) => `${machine.name} ${what}`);
  if (toHex(snapshot) !== before) faults.push(`${machine.name} finds another state after a restart`);
  return faults;
}

function owed({ unanswered, outbox, timers }: OpenWork): string[] {
  return [
    ...[...unanswered.keys()].map((id) => `never answered ${id}`),
    ...[...outbox].map(([id, { kind }]) => `never delivered ${kind} ${id}`),
    ...[...timers.keys()].filter((id) => !longTimer.test(id)).map((id) => `still waits for ${id}`),
  ];
}
