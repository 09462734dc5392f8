/** Bugs, each as an edit of the sources, with what it must be found by: the world is only worth something when it finds them all. */
import type { Edit } from '../../world/threads/replace-modules.ts';
import type { Life } from './life-threads.ts';

export interface Bug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What must be seen to be wrong, for the right reason. */
  readonly seenAs: RegExp;
  /** Default the town. */
  readonly life?: Life;
  /** A seed that is known to find it, where many do not. */
  readonly hint?: number;
}

const agent = (file: string, find: string, replace: string): Edit => ({ file: `trusted/agent/${file}`, find, replace });
const card = (find: string, replace: string): Edit => ({ file: 'trusted/card/card-network-machine.ts', find, replace });

const purchase: readonly Bug[] = [
  {
    name: 'a merchant forgets a payment that is under way when the session is lost',
    edits: [
      agent(
        'selling.ts',
        "      // The network has been asked: what it says decides, and the customer's agent is told then.\n",
        "      turn.draft.records.push({ type: 'closed', transaction: transaction.id }, { type: 'dealing-over', transaction: transaction.id });\n",
      ),
    ],
    seenAs: /still holds|not bought|held by nobody/,
    hint: 5,
  },
  {
    name: 'what committed is not told to the port that pays',
    edits: [agent('transaction-effect.ts', "  endDealing(turn, transaction.id, 'commit');\n", '')],
    seenAs: /still holds|payments under way/,
  },
  {
    name: 'what aborted is not told to the port that pays',
    edits: [agent('transaction.ts', "  endDealing(turn, transaction.id, 'abort');\n", '')],
    seenAs: /payments under way|holds something|still holds/,
  },
  {
    name: 'a card network captures what it authorises',
    edits: [card("{ ...payment, status: 'authorised', approvalCode", "{ ...payment, status: 'captured', approvalCode")],
    seenAs: /still holds/,
  },
  {
    name: 'a card network authorises what was aborted before it was heard of',
    edits: [card("  if (state.aborted.has(transaction)) return refuse('aborted');\n", '')],
    seenAs: /still holds|payments under way/,
    hint: 32,
  },
  {
    name: 'a card network only says that it undoes what was aborted',
    edits: [
      card(
        'return undo(deciding, asked);',
        "return { records: [], answer: answerTo(deciding, asked, { type: 'noted' }) };",
      ),
    ],
    seenAs: /still holds|payments under way/,
    hint: 12,
  },
  {
    name: 'nobody looks whether merchandise is what was selected',
    edits: [
      agent('selling.ts', "if (fault !== undefined || 'fault' in made) {", "if ('fault' in made) {"),
      agent('delivered.ts', '  if (fault !== undefined) throw wrong(fault);\n', ''),
    ],
    seenAs: /nobody asked for .*, and it was bought/,
  },
  {
    name: 'a customer buys what its host side has not seen',
    edits: [
      agent(
        'buying.ts',
        'if (object === undefined) tellHost(turn, showDelivered(held, undefined));',
        'if (object === undefined) goOn(turn, held);',
      ),
    ],
    seenAs: /did not have to confirm-merchandise/,
  },
  {
    name: 'a customer buys what its host side has refused',
    edits: [agent('buying.ts', '  if (!accept)\n', "  if (!accept && talk.step !== 'confirming')\n")],
    seenAs: /refused .*, and it was bought/,
  },
  {
    name: 'a customer buys of somebody whose credential its host side has refused',
    edits: [agent('buying.ts', '  if (!accept)\n', "  if (!accept && talk.step !== 'confirming-merchant')\n")],
    seenAs: /refused .*, and it was bought/,
  },
  {
    name: 'what is for sale once is sold to everybody',
    edits: [agent('agent-machine.ts', 'left: left - 1 }', 'left }')],
    seenAs: /is sold twice/,
  },
  {
    name: 'a customer that has ordered a payment by card gives up when the session is lost',
    edits: [
      agent(
        'buying.ts',
        "    if (transaction?.role === 'voter') {\n      doubt(turn, transaction);",
        "    if (transaction?.role === 'voter') {\n      abort(turn, transaction);",
      ),
    ],
    seenAs: /is sold and not bought|held by nobody|which was not bought/,
    hint: 3,
  },
  {
    name: 'a merchant that has voted for a payment by module gives up when the session is lost',
    edits: [
      agent(
        'selling.ts',
        "} else if (transaction.role === 'voter') {\n      doubt(turn, transaction);",
        "} else if (transaction.role === 'voter') {\n      turn.draft.records.push({ type: 'closed', transaction: transaction.id });",
      ),
    ],
    seenAs: /is bought and not sold|has \d+, not|under way/,
    hint: 11,
  },
  {
    name: 'a customer takes back a purchase for which its module was told to pay',
    edits: [
      agent(
        'buying.ts',
        "      tellPort(turn, dealing, { type: 'stop' }, { step: 'executing' });\n",
        '      abort(turn, transaction);\n',
      ),
    ],
    seenAs: /has \d+, not|held by nobody|not bought|not sold/,
    hint: 11,
  },
  {
    name: 'a payer takes the word of its module for nothing',
    edits: [
      agent(
        'hear-port.ts',
        '  const deeds = commit(turn, transaction, receipt);\n',
        '  const deeds: Uint8Array[] = [];\n  abort(turn, transaction);\n',
      ),
    ],
    seenAs: /not bought|bought and not|has \d+, not|under way|holds/,
  },
  {
    name: 'a customer whose session is lost before it has voted leaves its module with what is ready',
    edits: [
      agent(
        'buying.ts',
        "      endDealing(turn, talk.transaction, 'abort');\n      tellHost(turn, { type: 'failed', matter: talk.matter, why });",
        "      tellHost(turn, { type: 'failed', matter: talk.matter, why });",
      ),
    ],
    seenAs: /has \d+, not|holds something|payments under way/,
  },
];

const transfer: readonly Bug[] = [
  {
    name: 'a giver keeps what it has given',
    edits: [
      agent(
        'transaction.ts',
        "if (leg.type === 'give' && leg.ticket.type === 'transfer') removed.push(leg.ticketId);",
        "if (leg.type === 'give') continue;",
      ),
    ],
    seenAs: /is held by \w+ and/,
  },
  {
    name: 'a receiver that has voted gives up when the session is lost',
    edits: [
      agent(
        'taking.ts',
        '    doubt(turn, transaction);\n',
        "    turn.draft.records.push({ type: 'closed', transaction: transaction.id });\n",
      ),
    ],
    seenAs: /is held by nobody/,
    hint: 3,
  },
  {
    name: 'a giver forgets what it has decided as soon as it has said it',
    edits: [
      agent(
        'giving.ts',
        'const deeds = commit(turn, transaction);',
        'const deeds = commit(turn, transaction);\n      close(turn, transaction);',
      ),
    ],
    seenAs: /is held by nobody/,
    hint: 3,
  },
  {
    name: 'a giver says nothing any more when the session is lost',
    edits: [
      agent(
        'giving.ts',
        "    if (transaction?.status === 'committed') {\n      tellOutcome(turn, transaction, 'committed');\n",
        "    if (transaction?.status === 'committed') {\n",
      ),
    ],
    seenAs: /decider committed/,
    hint: 3,
  },
  {
    name: 'a voter never asks',
    edits: [
      agent(
        'outcome.ts',
        '  turn.draft.timers.push({ id: askTimer(id), atMs: turn.env.nowMs + turn.settings.pace.askMs });\n',
        '',
      ),
    ],
    seenAs: /voter voted/,
    hint: 2,
  },
  {
    name: 'a voter that asks is told that what committed was aborted',
    edits: [
      agent(
        'outcome.ts',
        "  if (theirs?.status === 'committed') return said('committed', giftsOf(theirs, 'committed'));\n",
        "  if (theirs?.status === 'committed') return said('aborted');\n",
      ),
    ],
    seenAs: /is held by nobody/,
    hint: 3,
  },
  {
    name: 'an agent gives what it is giving already',
    edits: [
      agent('giving.ts', '  if (state.underWay.has(ticketId)) throw', "  if (state.underWay.has('')) throw"),
      agent('transaction.ts', 'state.underWay.has(leg.ticketId)) {', "state.underWay.has('')) {"),
    ],
    seenAs: /is held by \w+ and/,
  },
  {
    name: 'a transfer is not written into the history',
    edits: [
      {
        file: 'trusted/ticket/sign-ticket.ts',
        find: '[...ticket.transfers, { senderCertificate: signer, receiver, atS, signature }]',
        replace: 'atS > 0 ? ticket.transfers : []',
      },
    ],
    seenAs: /was passed on|is not valid|is held by nobody/,
  },
  {
    name: 'an issuer gives a number twice',
    edits: [agent('giving.ts', 'serial: state.serial + unsigned.length', 'serial: state.serial')],
    seenAs: /./,
  },
];

const presentation: readonly Bug[] = [
  {
    name: 'an acceptor grants what the holder has not marked yet',
    edits: [agent('accepting.ts', '    doubt(turn, transaction);\n', '    settle(turn, transaction, []);\n')],
    seenAs: /left, \d+ granted|in the books/,
  },
  {
    name: 'an acceptor forgets the mark that it has made when the session is lost',
    edits: [agent('accepting.ts', '    doubt(turn, transaction);\n', '    abort(turn, transaction);\n')],
    seenAs: /left, \d+ granted|in the books|suspects/,
    hint: 4,
  },
  {
    name: 'a holder keeps no marks',
    edits: [
      agent(
        'transaction.ts',
        "else if (leg.type === 'mark') put.push({ ...state.tickets.get(leg.ticketId)!, ...marked(leg.mark) });",
        "else if (leg.type === 'mark') continue;",
      ),
    ],
    seenAs: /suspects|in the books|granted/,
  },
  {
    name: 'what is used is not taken off the ticket',
    edits: [agent('accepting.ts', 'Math.min(0xffff_ffff, before - granted)', 'Math.min(0xffff_ffff, before)')],
    seenAs: /left, \d+ granted/,
  },
  {
    name: 'an acceptor takes the word of a holder for what its books say otherwise',
    life: 'twins',
    edits: [
      agent(
        'accepting.ts',
        'if (booked === undefined || status.number >= booked.status.number) return statusToGoOnFrom(turn.state.books, shown);',
        'return status;',
      ),
      agent('book-status.ts', 'if (booked === undefined) return status;', 'return status;'),
    ],
    seenAs: /granted \d+ of/,
    hint: 16,
  },
];

const disputes: readonly Bug[] = [
  {
    name: 'a customer keeps a ticket good that was paid back',
    edits: [
      agent(
        'transaction.ts',
        "else if (leg.type === 'mark') put.push(",
        "else if (leg.type === 'mark' && !legs.some(({ type }) => type === 'dispute')) put.push(",
      ),
    ],
    seenAs: /the ticket good, \d new ones/,
  },
  {
    name: 'a merchant forgets what it has settled',
    edits: [
      agent(
        'dispute-log.ts',
        '    keepDispute(turn, { ...dispute, status: leg.end, refund, choice: undefined });\n',
        "    if (dispute.side === 'customer') keepDispute(turn, { ...dispute, status: leg.end, refund, choice: undefined });\n",
      ),
    ],
    seenAs: /they say (refunded|replaced) and/,
  },
  {
    name: 'a merchant does not follow rulings',
    edits: [agent('resolve-dispute.ts', 'known : grantByRuling(turn, known, request.ruling)', 'known : known')],
    seenAs: /the customer is worse off/,
  },
  {
    name: 'a customer that hears of its refund does not settle it',
    edits: [
      agent(
        'collect-dispute.ts',
        "    hearCardPayment(turn, talk, answer);\n    if (answer.type === 'paid') settled(",
        "    if (answer.type === 'paid') settled(",
      ),
    ],
    seenAs: /the ticket good, 0 new ones, not paid|not at rest/,
  },
  {
    name: 'a merchant gives up a refund that the bank has taken',
    edits: [
      agent(
        'being-paid.ts',
        'due.refundOf === undefined ? { forMs: settings.pace.authoriseMs } : {}',
        '{ forMs: 100 }',
      ),
    ],
    seenAs: /the ticket good, 0 new ones, not paid/,
    hint: 2,
  },
  {
    name: 'evidence is read the wrong way round',
    edits: [
      {
        file: 'trusted/ruling/judge-dispute.ts',
        find: 'return lastDay < body.issuedOnDay',
        replace: 'return lastDay > body.issuedOnDay',
      },
    ],
    seenAs: /worse off/,
  },
  {
    name: 'a server does not hear merchants',
    edits: [
      {
        file: 'trusted/server/hear-dispute.ts',
        find: "else if (judgement?.type === 'seeing') keep(turn, { ...of, phase: 'seeing' });",
        replace: "else if (judgement?.type === 'seeing') keep(turn, { ...of, heard: false });",
      },
    ],
    seenAs: /worse off/,
    hint: 2,
  },
].map((bug) => ({ ...bug, life: 'disputes' as const }));

export const bugs: readonly Bug[] = [...purchase, ...transfer, ...presentation, ...disputes];
