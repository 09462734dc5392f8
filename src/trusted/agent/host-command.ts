/** What a host side may tell its agent. A host side is not trusted: all of it is bounded, and nothing of it can make an agent break a protocol. */
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, digest, list, oneOf, optional, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { claimName } from '../credential/claim.ts';
import { agentIdShape } from '../message/agent-id.ts';
import { amountShape } from '../message/amount-shape.ts';
import { maxEvidence, visitCodeShape, wantedShape } from '../message/credential-talk.ts';
import { complaints, disputeText, shownObjectShape } from '../message/dispute.ts';
import { selectionShape } from '../message/selection.ts';
import { listedStandings } from '../message/standing-list.ts';
import { maxItems } from '../message/ticket-talk.ts';
import { componentsShape, kinds, maxClaims } from '../ticket/components.ts';
import { longestPaperS, maxCodeBytes } from '../ticket/ticket-code.ts';

const matter = () => text({ min: 1, max: 64 });
const route = () => text({ min: 1, max: 300 });
const session = () => text({ min: 32, max: 32 });
const ticketId = () => text({ min: 32, max: 32 });
const about = () => bytes({ max: 64 });
const fields = () => list(claimName(), { max: maxClaims });
const sdJwtId = () => text({ min: 1, max: 64 });
const yes = () => whole({ min: 0, max: 1 });

/** A mark; with the ticket where its maker let somebody in, without where its issuer took it back. */
const learntShape = row({ ticket: optional(bytes({ max: maxCodeBytes })), mark: bytes({ max: 1024 }) });

const items = choice({
  transfer: numbered(1, { ticketId: ticketId() }),
  issue: numbered(2, { components: componentsShape }),
});

const paymentChoice = choice({
  card: numbered(1, { ticketId: ticketId() }),
  module: numbered(2, { initiator: oneOf('payer', 'payee') }),
});

/** A bank may also pay later: then the remittance advice is what the payee has. */
const remittanceChoice = choice({
  card: numbered(1, { ticketId: ticketId() }),
  module: numbered(2, { initiator: oneOf('payer', 'payee') }),
  later: numbered(3, {}),
});

const adviceShape = row(kinds['remittance-advice'].fields);

const merchandise = choice({
  ticket: numbered(1, { components: componentsShape }),
  object: numbered(2, {
    digest: digest(),
    description: optional(text({ max: 2000 })),
    usage: optional(text({ max: 2000 })),
  }),
  none: numbered(3, { reason: text({ max: 100 }) }),
});

const commands = {
  /** The device was opened: its clock is set, and what a crash left is put in order. */
  opened: numbered(1, {}),
  /** Once, where the device is made: with the token under which the server announced it. */
  initialise: numbered(2, { route: route(), token: bytes({ min: 16, max: 64 }) }),
  recertify: numbered(3, { route: route() }),
  sync: numbered(4, { route: route() }),
  'fetch-lists': numbered(5, { route: route() }),
  /** Somebody will call for this: `Receive Ticket` in figures 23 and 25. */
  expect: numbered(6, {
    matter: matter(),
    purpose: oneOf('give', 'present', 'credential', 'pay', 'dispute'),
    about: optional(about()),
    times: optional(whole({ min: 1, max: 1_000_000_000 })),
    untilMs: timeMs(),
    /** Which credential to show if the caller asks for one; a merchant or authority shows its own without being told. */
    credential: optional(ticketId()),
    /** Which of its fields, where it is an attestation: none unless they are named. */
    fields: optional(fields()),
  }),
  /** `Transfer Ticket(s)` in figure 25; tickets may also be issued to the other agent. */
  give: numbered(7, {
    ...{ matter: matter(), route: route(), about: about() },
    items: list(items, { min: 1, max: maxItems }),
    check: yes(),
  }),
  /** Once, by an authority's agent that holds no credential yet: it issues itself one. That it may is what its certificate says. */
  'name-yourself': numbered(11, { components: componentsShape }),
  /** `Present Ticket` in figure 23. */
  present: numbered(8, {
    ...{ matter: matter(), route: route(), about: about(), ticketId: ticketId() },
    check: yes(),
    fields: optional(fields()),
  }),
  /** The answer to `confirm-credential`. */
  confirm: numbered(9, {
    ...{ session: session(), accept: yes() },
    /** Where there is a price, how it is paid; otherwise the notice `choose-payment` comes. */
    payment: optional(paymentChoice),
  }),
  /** By the acceptor's host side: so much service is asked for, or was the last. */
  use: numbered(10, {
    session: session(),
    units: whole({ min: -0xffff_ffff, max: 0xffff_ffff }),
    last: yes(),
  }),
  /** Step 404: buy this, for that. */
  buy: numbered(20, {
    ...{ matter: matter(), route: route(), about: about(), selection: selectionShape, price: amountShape() },
    /** Which credential to show if the merchant wants one. */
    credential: optional(ticketId()),
    /** If it is chosen already; otherwise the notice `choose-payment` comes. */
    payment: optional(paymentChoice),
    moneyFirst: yes(),
  }),
  /** Step 406: somebody is going to call who buys this, for that. */
  sell: numbered(21, {
    ...{ matter: matter(), about: optional(about()), times: optional(whole({ min: 1, max: 1_000_000_000 })) },
    ...{ untilMs: timeMs(), selection: selectionShape, price: amountShape() },
    ways: list(oneOf('card', 'module'), { min: 1, max: 2 }),
    wantsCredential: yes(),
    /** If it is at hand; otherwise the notice `fetch-merchandise` comes. */
    merchandise: optional(merchandise),
    /** Which credential to show; otherwise the merchant's own. */
    credential: optional(ticketId()),
  }),
  /** The answer to `fetch-merchandise`: what the merchandise server has sent. */
  merchandise: numbered(22, { session: session(), merchandise }),
  /** The answer to `choose-payment`. */
  pay: numbered(23, { session: session(), payment: paymentChoice }),
  /** The answer to `fetch-object`: the file has arrived; its digest, its length and its sealed header. */
  'object-arrived': numbered(24, {
    ...{ session: session(), digest: digest(), length: whole({ min: 1 }) },
    header: bytes({ min: 1, max: 65_536 }),
  }),
  /** Figure 22. */
  'open-merchandise': numbered(25, { ticketId: ticketId() }),
  /** `Send Dispute` (figure 30, steps 1044 to 1064): about a ticket that is held, or a payment for which none came. */
  dispute: numbered(40, {
    ...{
      matter: matter(),
      route: route(),
      about: about(),
      ticketId: optional(ticketId()),
      transaction: optional(ticketId()),
    },
    ...{ complaint: oneOf(...complaints), statement: disputeText(), object: optional(shownObjectShape), check: yes() },
  }),
  /** By the merchant's host side (steps 1090 to 1096). */
  'answer-dispute': numbered(41, {
    ...{ number: ticketId(), outcome: oneOf('denied', 'granted'), reason: disputeText() },
    ...{ refund: yes(), replacement: yes() },
  }),
  /** By the customer's host side (steps 1098 to 1100); with which card, for a refund. */
  choose: numbered(42, {
    number: ticketId(),
    choice: choice({
      refund: numbered(1, { credential: optional(ticketId()) }),
      replacement: numbered(2, {}),
    }),
    route: optional(route()),
  }),
  /** By the merchant's host side: the answer to `fetch-replacement`. */
  replacement: numbered(43, { session: session(), merchandise }),
  /** The merchant's agent is asked again. */
  pursue: numbered(44, { number: ticketId(), route: optional(route()) }),
  /** To the trusted server that certified this agent, which is reached there. */
  escalate: numbered(45, { number: ticketId(), route: route(), statement: disputeText() }),
  /** By the merchant's host side: the answer to `heard-in-dispute`. */
  'state-in-dispute': numbered(46, {
    ...{ case: digest(), stand: oneOf('contests', 'concedes'), statement: disputeText() },
  }),
  /** By either host side, to the trusted server that ruled. */
  appeal: numbered(47, { number: ticketId(), route: route(), statement: disputeText() }),
  'ask-ruling': numbered(48, { number: ticketId(), route: route() }),
  /** `Acquire Credential` (figure 26): with the code that was handed over there, or with credentials that say who it is. */
  acquire: numbered(30, {
    ...{ matter: matter(), route: route(), about: about(), wanted: wantedShape() },
    code: optional(visitCodeShape()),
    evidence: list(row({ ticketId: ticketId(), fields: optional(fields()) }), { max: maxEvidence }),
    /** Whether the authority's own credential is to be checked first. */
    check: yes(),
  }),
  /** `Revalidate Credential` (figure 28). */
  revalidate: numbered(31, { matter: matter(), route: route(), about: about(), ticketId: ticketId() }),
  /** By an authority: a credential that it issued does not count any more, or does again. */
  'set-standing': numbered(32, { ticketId: ticketId(), standing: oneOf(...listedStandings) }),
  'fetch-standings': numbered(33, { issuer: agentIdShape(), route: route() }),
  /** A list that another device fetched. */
  'take-standings': numbered(34, { update: bytes({ max: 1 << 20 }) }),
  /** Has the authority write the credential as an SD-JWT VC. */
  export: numbered(35, { matter: matter(), route: route(), about: about(), ticketId: ticketId() }),
  /** To a verifier, which has said what it is called and a nonce. */
  'show-sd-jwt': numbered(36, {
    ...{ matter: matter(), id: sdJwtId(), fields: fields() },
    ...{ audience: text({ min: 1, max: 300 }), nonce: text({ min: 1, max: 300 }) },
  }),
  'make-sd-jwt-key': numbered(37, { matter: matter() }),
  /** Bound to a key that was made here, by an issuer whose JWK set the owner believes. */
  'import-sd-jwt': numbered(38, {
    ...{ matter: matter(), id: sdJwtId(), sdJwt: text({ min: 1, max: 262_144 }), issuer: text({ min: 1, max: 300 }) },
    keys: bytes({ max: 16_384 }),
  }),
  /** `Pay` (figure 29): whoever is there is to be paid, if it is whom it should be. */
  remit: numbered(39, {
    ...{ matter: matter(), route: route(), about: about(), amount: amountShape() },
    payment: remittanceChoice,
    /** For a bill. */
    advice: optional(adviceShape),
    /** Those that are paid, if they are held: they must be the payee's. */
    invoices: list(ticketId(), { max: 40 }),
    /** For a top-up of a ticket that the payee issued, by so much. */
    topUp: optional(row({ ticketId: ticketId(), units: whole({ min: 1, max: 0xffff_ffff }) })),
    /** Which credential to show if the payee wants one, and which of its fields. */
    credential: optional(ticketId()),
    fields: optional(fields()),
  }),
  /** By the holder's host side: a code of a ticket, which then can be used in no other way until the code has run out. */
  'show-code': numbered(50, {
    ...{ matter: matter(), ticketId: ticketId(), paper: yes() },
    /** Seconds that it counts. */
    forS: whole({ min: 1, max: longestPaperS }),
    /** The door that it is for, where that is known. */
    door: optional(agentIdShape()),
  }),
  /** By a door's host side: somebody shows this code and wants to be let in, or so much service. */
  scan: numbered(51, {
    ...{ matter: matter(), code: bytes({ min: 1, max: maxCodeBytes }), paperTaken: yes() },
    units: whole({ min: 0, max: 0xffff_ffff }),
  }),
  /** By the holder's host side: a mark that was made for a code of ours, or by the issuer. */
  'take-mark': numbered(52, { matter: matter(), mark: bytes({ max: 1024 }) }),
  /** By a door's host side: what other doors let in, and what issuers took back. */
  learn: numbered(53, { entries: list(learntShape, { min: 1, max: 500 }) }),
  /** By the issuer's host side: the ticket is taken back, wherever it is. */
  'take-back': numbered(54, { matter: matter(), ticketId: ticketId(), counted: yes() }),
};

export type HostCommand = ChoiceOf<typeof commands>;

export const hostCommandType: MessageType<HostCommand> = {
  name: 'trusted-host-command',
  shape: choice(commands),
  maxBytes: 1 << 20,
};
