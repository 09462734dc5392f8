/** Bugs, each as an edit of the sources, with what it must be found by: the world is only worth something when it finds them all. */
import type { Edit } from '../../world/threads/replace-modules.ts';

export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What must be seen to be wrong, for the right reason. */
  readonly seenAs: RegExp;
}

const accounts = 'deposit/account-manager';
const acquirer = 'deposit/acquirer';
const merchant = 'deposit/merchant';
const customer = 'deposit/customer';
const message = 'deposit/message';

function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}

const money: readonly Bug[] = [
  {
    name: 'deposits are held above balance and credit',
    edits: [
      edit(`${accounts}/initiate.ts`, 'if (deposit.minor > available)', 'if (false)'),
      edit('ledger/hold-decision.ts', 'if (amount.minor > availableAt(ledger.accounts, slot))', 'if (false)'),
    ],
    seenAs: /more than balance and credit/,
  },
  {
    name: 'what is held is counted as available',
    edits: [
      edit(`${accounts}/initiate.ts`, 'if (deposit.minor > available)', 'if (false)'),
      edit(
        'ledger/hold-decision.ts',
        'if (amount.minor > availableAt(ledger.accounts, slot))',
        'if (amount.minor > availableAt(ledger.accounts, slot) + ledger.accounts.held[slot]!)',
      ),
    ],
    seenAs: /more than balance and credit/,
  },
  {
    name: 'a hold is released twice',
    edits: [
      edit(
        'ledger/apply.ts',
        'if (record.closes) takeFrom(accounts, hold, hold.remainingMinor);',
        'if (record.closes) { accounts.held[hold.slot] = accounts.held[hold.slot]! - hold.remainingMinor; takeFrom(accounts, hold, hold.remainingMinor); }',
      ),
    ],
    seenAs: /counts .* as held/,
  },
  {
    name: 'a hold that is due is not released',
    edits: [
      edit(`${accounts}/take-record.ts`, "...expired.map((record) => ({ type: 'ledger' as const, record })),", ''),
    ],
    seenAs: /held for nothing/,
  },
  {
    name: 'the money is free when the other operator is silent',
    edits: [
      edit(
        `${accounts}/open-deposit.ts`,
        "records: [{ type: 'unanswered', transaction, atMs: env.nowMs }],",
        "records: [...requireLedger(state.ledger, env, { type: 'release', id: transaction, hold: transaction }), { type: 'refused', transaction, code: 'X', detail: 'X', atMs: env.nowMs }],",
      ),
    ],
    seenAs: /guaranteed 1 times, withdrawn 0 times/,
  },
  {
    name: 'the rate is applied twice to the rest',
    edits: [
      edit(
        `${accounts}/clear-deposit.ts`,
        'convertAmount(unused, invertRate(rate))',
        'convertAmount(unused, { ...invertRate(rate), numerator: rate.denominator ** 2n, denominator: rate.numerator ** 2n })',
      ),
    ],
    seenAs: /came back where/,
  },
  {
    name: 'the rest is converted at the rate of the day',
    edits: [
      edit(
        `${accounts}/clear-deposit.ts`,
        'shareOut({ deposit: held.deposit, rate, paid, unused: clearing.unused })',
        'shareOut({ deposit: held.deposit, rate: rate.from === rate.to ? rate : policy.rateTable(rate.from, env.nowMs).rates.find(({ to }) => to === rate.to) ?? rate, paid, unused: clearing.unused })',
      ),
    ],
    seenAs: /came back where/,
  },
  {
    name: 'who bought nothing pays what rounding leaves',
    edits: [edit(`${accounts}/clear-deposit.ts`, 'paid.minor === 0n ? deposit : convertAmount', 'convertAmount')],
    seenAs: /came back where/,
  },
  {
    name: 'sums are rounded up',
    edits: [edit('money/nano.ts', "nanoPerMinor(currency), 'half-even'", "nanoPerMinor(currency), 'ceiling'")],
    seenAs: /is paid and only/,
  },
  {
    name: 'a stale rate is vouched for',
    edits: [
      edit(`${accounts}/initiate.ts`, 'if (validUntilMs < nowMs) return null;', ''),
      edit(`${message}/session-rate.ts`, 'if (table.validUntilMs < nowMs)', 'if (false)'),
    ],
    seenAs: /a rate that was not one then/,
  },
];

const betweenOperators: readonly Bug[] = [
  {
    name: 'no limit between operators',
    edits: [edit(`${acquirer}/open-deposit.ts`, 'if (openMinor + clearedMinor + amount.minor > limit)', 'if (false)')],
    seenAs: /above its limit/,
  },
  {
    name: 'the limit forgets what is cleared',
    edits: [edit(`${acquirer}/open-deposit.ts`, 'if (openMinor + clearedMinor +', 'if (openMinor +')],
    seenAs: /above its limit/,
  },
  {
    name: 'everything that is cleared counts as set off',
    edits: [edit('party/operator/settle-deposits.ts', '.clearedMinor - theyOweMinor;', '.clearedMinor;')],
    seenAs: /above its limit/,
  },
  {
    name: 'what is owed is settled twice over',
    edits: [
      edit(`${accounts}/settle.ts`, '?.weOweMinor ?? 0n;', '?.weOweMinor ?? 0n) * 2n;'),
      edit(`${accounts}/settle.ts`, 'const owed = findPosition(', 'const owed = (findPosition('),
    ],
    seenAs: /between them still|has settled/,
  },
  {
    name: 'a merchant takes what is guaranteed to another',
    edits: [edit(`${merchant}/receive-from-operator.ts`, 'if (value.merchant !== keys.merchant)', 'if (false)')],
    seenAs: /which is guaranteed to/,
  },
  {
    name: 'a repeated settlement is booked again',
    edits: [
      edit(
        `${accounts}/receive-operator.ts`,
        'export function receiveSettlement(',
        'let booked = 0;\nexport function receiveSettlement(',
      ),
      edit(
        `${accounts}/receive-operator.ts`,
        'messageId: settlementMessageId(settlement.settlement)',
        'messageId: settlementMessageId(settlement.settlement + booked++)',
      ),
    ],
    seenAs: /between them still|has settled/,
  },
  {
    name: 'a settlement that was answered is paid back',
    edits: [edit(`${accounts}/settle.ts`, 'if (accepted) {', 'if (accepted && !settlement.endsWith("1")) {')],
    seenAs: /between them still|has settled/,
  },
  {
    name: 'only the customer’s bank is told of the clearing',
    edits: [
      edit(
        `${acquirer}/conclude.ts`,
        'new Set([accountManagerUrl, policy.accountManagerUrl])',
        'new Set([accountManagerUrl])',
      ),
    ],
    seenAs: /deposited 0 times/,
  },
  {
    name: 'a voucher opens a deposit again',
    edits: [
      edit(
        'party/operator/operator-deposit-routes.ts',
        'const amendedInitiation: Handler',
        'let vouchers = 0;\n  const amendedInitiation: Handler',
      ),
      edit('party/operator/operator-deposit-routes.ts', '`amended-initiation:', 'vouchers++ + `amended-initiation:'),
      edit(`${acquirer}/open-deposit.ts`, 'if (state.deposits.has(transaction)) throw', 'if (false) throw'),
    ],
    seenAs: /guaranteed|cleared 2 times|guarantees/,
  },
  {
    name: 'a customer is known by the same name in all sessions',
    edits: [
      edit(
        `${accounts}/initiate.ts`,
        'toHex(env.random(IDENTIFIER_LENGTH))',
        'Buffer.from(session.customer.padEnd(16)).toString("hex")',
      ),
    ],
    seenAs: /show the same customer/,
  },
];

const endings: readonly Bug[] = [
  {
    name: 'no timer ends a hold',
    edits: [edit(`${accounts}/initiate.ts`, 'timers: [{ id: holdTimer(transaction), atMs: heldUntilMs }],', '')],
    seenAs: /ended 0 times/,
  },
  {
    name: 'no timer ends a deposit at the acquirer',
    edits: [edit(`${acquirer}/open-deposit.ts`, 'timers: [timerOf(transaction, endsAtMs)],', '')],
    seenAs: /guaranteed 1 times, cleared 0 times/,
  },
  {
    name: 'no timer ends the wait for the other record',
    edits: [
      edit(
        `${acquirer}/conclude.ts`,
        ': {}),\n    timers: [timerOf(transaction, deadlineMs)],',
        ': {}),\n    clearTimers: [timerId(transaction)],',
      ),
    ],
    seenAs: /guaranteed 1 times, cleared 0 times/,
  },
  {
    name: 'a late record is waited for',
    edits: [
      edit(
        `${acquirer}/conclude.ts`,
        'if (deposit.deadlineMs !== undefined) return clear(deposit, env, policy);',
        'if (deposit.deadlineMs !== undefined) return { records: [], timers: [timerOf(transaction, env.nowMs + recordWaitMs(policy))] };',
      ),
    ],
    seenAs: /guaranteed 1 times, cleared 0 times|after its bound/,
  },
  {
    name: 'the first record decides at once',
    edits: [
      edit(
        `${acquirer}/conclude.ts`,
        'changed.customerRecord !== undefined && changed.merchantRecord !== undefined',
        'changed.customerRecord !== undefined',
      ),
    ],
    seenAs: /taken for silent/,
  },
  {
    name: 'no timer ends what the merchant waits for',
    edits: [
      edit(
        `${merchant}/conclude.ts`,
        'timers: [timerOf(transaction, lapsesAtMs)],',
        'clearTimers: [timerOf(transaction, lapsesAtMs).id],',
      ),
    ],
    seenAs: /sessions open/,
  },
  {
    name: 'purchases are taken after the merchant’s record',
    edits: [
      edit(`${merchant}/spend.ts`, "session?.status !== 'open' ||", 'session === undefined ||'),
      edit(`${merchant}/till.ts`, "if (session.status !== 'open') throw", 'if (false) throw'),
      edit(`${merchant}/till.ts`, "known?.session.status === 'open' &&", 'known !== undefined &&'),
    ],
    seenAs: /has proof of/,
  },
  {
    name: 'the merchant gets no statement',
    edits: [edit(`${accounts}/credit-payee.ts`, 'url === undefined', 'url !== undefined')],
    seenAs: /gave up what was cleared/,
  },
];

const evidence: readonly Bug[] = [
  {
    name: 'the till does not check who signed a checkpoint',
    edits: [
      edit(`${merchant}/receive-from-customer.ts`, 'message.requireSignature(importPoint(session.customerKey));', ''),
    ],
    seenAs: /nobody signed/,
  },
  {
    name: 'the ruling does not check who signed a checkpoint',
    edits: [edit(`${message}/evidence.ts`, 'message.requireSignature(expected.customerKey);', '')],
    seenAs: /is paid and only/,
  },
  {
    name: 'the ruling does not check the words',
    edits: [
      edit(
        `${message}/tab.ts`,
        'if (!leadsTo(word, checkpoint.anchors[chain]!, released.steps[chain] ?? 0))',
        'if (false)',
      ),
    ],
    seenAs: /is paid and only/,
  },
  {
    name: 'the merchant’s word is enough',
    edits: [
      edit(
        `${message}/ruling.ts`,
        "if (by === 'customer') evidence.values.push(record);",
        'evidence.values.push(record);',
      ),
    ],
    seenAs: /guaranteed 1 times, withdrawn 0 times/,
  },
  {
    name: 'the customer’s word is enough',
    edits: [
      edit(
        `${message}/ruling.ts`,
        'const highest = evidence.values.reduce(higher, { units: 0, unitNano: 0 });',
        'const highest = customer?.record ?? evidence.values.reduce(higher, { units: 0, unitNano: 0 });',
      ),
    ],
    seenAs: /has proof of/,
  },
  {
    name: 'who is silent as a customer pays nothing',
    edits: [
      edit(
        `${message}/ruling.ts`,
        'paidOf(highest, asked.deposit)',
        'paidOf(customer === undefined ? { units: 0, unitNano: 0 } : highest, asked.deposit)',
      ),
    ],
    seenAs: /has proof of/,
  },
  {
    name: 'where the merchant is silent all of the deposit is paid',
    edits: [
      edit(
        `${message}/ruling.ts`,
        'const paid = paidOf(highest, asked.deposit);',
        'const paid = merchant === undefined ? { ...paidOf(highest, asked.deposit), paid: asked.deposit } : paidOf(highest, asked.deposit);',
      ),
    ],
    seenAs: /guaranteed 1 times, withdrawn 0 times/,
  },
  {
    name: 'the bank does not check who signed a record',
    edits: [edit(`${accounts}/receive-customer.ts`, 'message.requireSignature(importPoint(known.key));', '')],
    seenAs: /the device calls it unsettled/,
  },
  {
    name: 'the till believes any words',
    edits: [
      edit(`${message}/tab.ts`, 'if (!leadsTo(word, words.subarray(at, at + WORD_LENGTH), moved))', 'if (false)'),
    ],
    seenAs: /does not prove/,
  },
  {
    name: 'the till ignores the head of the list',
    edits: [edit(`${message}/tab.ts`, 'if (!equalBytes(purchase.head, expected.head))', 'if (false)')],
    seenAs: /for what nobody released/,
  },
  {
    name: 'a token of another merchant’s deposit is taken',
    edits: [
      edit(
        `${merchant}/till.ts`,
        'const session = sessions.get(transaction);',
        'const session = sessions.get(transaction) ?? sessions.values().next().value;',
      ),
      edit(`${message}/tab.ts`, 'if (!leadsTo(word, words.subarray(at, at + WORD_LENGTH), moved))', 'if (false)'),
      edit(`${message}/tab.ts`, 'if (!equalBytes(purchase.head, expected.head))', 'if (false)'),
    ],
    seenAs: /for what nobody released/,
  },
  {
    name: 'a number may be used again for something else',
    edits: [
      edit(
        `${merchant}/open-tab.ts`,
        "throw new DepositError('PURCHASE_REUSED', `purchase",
        "return; throw new DepositError('PURCHASE_REUSED', `purchase",
      ),
    ],
    seenAs: /served two requests/,
  },
  {
    name: 'more is bought than is guaranteed',
    edits: [
      edit(`${merchant}/open-tab.ts`, 'if (units > session.depositUnits - tab.units)', 'if (false)'),
      edit(`${merchant}/spend.ts`, 'if (units > session.depositUnits)', 'if (false)'),
    ],
    seenAs: /more was served than is guaranteed/,
  },
];

const crashes: readonly Bug[] = [
  {
    name: 'a lost answer is paid for again',
    edits: [
      edit(
        `${customer}/spender.ts`,
        'return same;',
        'const running = inHand.get(transaction)!;\n      const units = worthOfToken(payment.token);\n      const anew = release(running, { units, request }, clock.nowMs());\n      running.unanswered.set(anew.number, { ...payment, ...anew });\n      return anew;',
      ),
      edit(
        `${customer}/spender.ts`,
        'const isUnknown =',
        'const worthOfToken = (token: Uint8Array) => token[6]! + 16 * token[7]! + 256 * token[8]! + 4096 * token[9]!;\nconst isUnknown =',
      ),
    ],
    seenAs: /released twice/,
  },
  {
    name: 'purchases are released before the mark is written',
    edits: [
      edit(
        `${customer}/spender.ts`,
        'return running.writing ?? writeMark(running, units);',
        '{ if (running.writing === undefined) inBackground(writeMark(running, units)); return undefined; }',
      ),
    ],
    seenAs: /released twice/,
  },
  {
    name: 'a restored purse forgets what may have been released',
    edits: [
      edit(
        `${customer}/purse-state.ts`,
        'for (const deposit of stored.deposits) index(state, deposit);',
        "for (const deposit of stored.deposits) index(state, deposit.phase === 'open' ? { ...deposit, mark: deposit.position } : deposit);",
      ),
    ],
    seenAs: /released twice/,
  },
  {
    name: 'a restored till forgets what was taken',
    edits: [
      edit(
        `${merchant}/merchant-session.ts`,
        'Object.assign(restored, { status, count, units,',
        'Object.assign(restored, { status, count: 0, units: 0,',
      ),
    ],
    seenAs: /is not what it took/,
  },
  {
    name: 'restored accounts forget that a record went through',
    edits: [edit(`${accounts}/account-state.ts`, 'recorded: deposit.recorded?.slice() ?? null', 'recorded: null')],
    seenAs: /withdrawn 0 times/,
  },
  {
    name: 'a restored acquirer forgets what is cleared',
    edits: [
      edit(
        `${acquirer}/acquirer-state.ts`,
        'for (const [key, clearedMinor] of cleared) state.exposures.set',
        'for (const [key, clearedMinor] of cleared.slice(0, 0)) state.exposures.set',
      ),
    ],
    seenAs: /above its limit|is exposed still/,
  },
  {
    name: 'the till answers before the flush',
    edits: [
      edit(
        `${merchant}/till.ts`,
        "await (runs.length === 0 ? host.settled() : host.submit({ type: 'spent', runs }));",
        "void (runs.length === 0 ? host.settled() : host.submit({ type: 'spent', runs })).catch(() => {});",
      ),
    ],
    seenAs: /was answered, and/,
  },
  {
    name: 'answers leave before the flush',
    edits: [
      edit(
        'journal/group-commit.ts',
        'let groups = 0;',
        'let groups = 0;\n  let lying: Promise<unknown> = Promise.resolve();',
      ),
      edit(
        'journal/group-commit.ts',
        'const last = await journal.append(entries);',
        'const last = expected;\n    lying = lying.then(() => journal.append(entries)).catch(() => 0);',
      ),
    ],
    seenAs: /times|was answered, and/,
  },
  {
    name: 'what is to be delivered is forgotten at a restart',
    edits: [edit('journal/host.ts', 'for (const id of work.outbox.keys()) outbox.release(id);', '')],
    seenAs: /times/,
  },
  {
    name: 'timers are forgotten at a restart',
    edits: [edit('journal/timers.ts', 'for (const timer of waiting.values()) watch(timer);', '')],
    seenAs: /times/,
  },
  {
    name: 'a message may be handled again',
    edits: [
      edit('journal/message-identity.ts', 'if (cached !== undefined)', 'if (false)'),
      edit(
        'journal/message-identity.ts',
        'if (stored === undefined) handle();',
        'if (stored === undefined || true) handle();',
      ),
    ],
    seenAs: /times|still|has settled/,
  },
];

export const bugs: readonly Bug[] = [...money, ...betweenOperators, ...endings, ...evidence, ...crashes];
