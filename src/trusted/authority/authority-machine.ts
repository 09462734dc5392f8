/**
 * An identification authority's server as a machine: its clerks and its device's agent talk to it. What it grants is provisional until the agent
 * says that the credential was issued; what the agent says of a transaction counts, in whatever order and however often it comes.
 */
import { toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import type { Claims } from '../credential/claim.ts';
import {
  type AuthorityQuery,
  type AuthorityRuling,
  authorityRuling,
  type Refusal,
  standingOrder,
} from '../credential/port-query.ts';
import { dayOf } from '../message/day.ts';
import type { ListedStanding } from '../message/standing-list.ts';
import { TrustedError } from '../message/trusted-error.ts';
import {
  type AuthorityRecord,
  type AuthorityState,
  applyAuthorityRecord,
  currentKey,
  emptyAuthority,
  type Grant,
  restoreAuthority,
  type SubjectRecord,
  snapshotAuthority,
} from './authority-state.ts';
import { subjectShown } from './identify-subject.ts';
import { credentialFor, type IssueRule } from './issue-rule.ts';

export type ClerkCommand =
  | { readonly type: 'record'; readonly record: SubjectRecord }
  /** Figure 26, step 896: somebody has shown in person who it is. The code is handed over to it and known to nobody else. */
  | {
      readonly type: 'visit';
      readonly code: Uint8Array;
      readonly subject: string;
      readonly wanted: string;
      /** Unix milliseconds. */
      readonly untilMs: number;
    }
  | {
      readonly type: 'set-standing';
      readonly ticketId: string;
      readonly standing: Exclude<ListedStanding, 'replaced'>;
    };

export type AuthorityInput =
  | { readonly type: 'command'; readonly command: ClerkCommand }
  | { readonly type: 'query'; readonly query: AuthorityQuery }
  | { readonly type: 'outcome'; readonly transaction: string; readonly issued: string | undefined }
  /** The device has put a standing on its list, or will not. */
  | { readonly type: 'told'; readonly id: string };

export interface AuthorityOptions {
  readonly rules: readonly IssueRule[];
  /** Where the device that issues is told how credentials stand. */
  readonly device: string;
}

export function createAuthorityServer(
  options: AuthorityOptions,
): Machine<AuthorityState, AuthorityInput, AuthorityRecord> {
  const rules = new Map(options.rules.map((rule) => [rule.wanted, rule]));
  return {
    name: 'authority-server',
    initial: emptyAuthority,
    decide: (state, input, env) => decide({ state, env, rules, device: options.device }, input),
    apply: applyAuthorityRecord,
    snapshot: snapshotAuthority,
    restore: restoreAuthority,
    received: ({ id }) => ({ type: 'told', id }),
    fired: ({ id }) => ({ type: 'told', id }),
  };
}

/** 100 bits, to be handed over on paper. */
export function newVisitCode(random: Random): Uint8Array {
  return random(13);
}

interface Deciding {
  readonly state: AuthorityState;
  readonly env: Env;
  readonly rules: ReadonlyMap<string, IssueRule>;
  readonly device: string;
}

function decide(deciding: Deciding, input: AuthorityInput): Decision<AuthorityRecord> {
  switch (input.type) {
    case 'command':
      return obey(deciding, input.command);
    case 'query':
      return rule(deciding, input.query);
    case 'outcome':
      return conclude(deciding, input);
    case 'told':
      return hearTold(deciding, input.id);
  }
}

export function codeHash(code: Uint8Array): string {
  return toHex(sha256(utf8('Handsel visit code 1'), code));
}

/** @throws TrustedError `COMMAND_UNTIMELY` or `TICKET_UNKNOWN` */
function obey({ state, rules, device }: Deciding, command: ClerkCommand): Decision<AuthorityRecord> {
  switch (command.type) {
    case 'record':
      return { records: [command] };
    case 'visit': {
      const { code, subject, wanted, untilMs } = command;
      if (!state.records.has(subject) || !rules.has(wanted)) {
        throw new TrustedError('COMMAND_UNTIMELY', `no record "${subject}", or no "${wanted}" is issued here`);
      }
      return { records: [{ type: 'visit', visit: { code: codeHash(code), subject, wanted, untilMs } }] };
    }
    case 'set-standing': {
      const { ticketId, standing } = command;
      const issued = state.issued.get(ticketId);
      if (issued === undefined) throw new TrustedError('TICKET_UNKNOWN', `no credential ${ticketId} was issued`);
      if (issued.standing === 'replaced') throw new TrustedError('COMMAND_UNTIMELY', 'that credential was replaced');
      const change = { type: 'standing', ticketId, standing } as const;
      return withOrder({ state, device }, { records: [change] }, { ticketId, standing });
    }
  }
}

/** Has the device put it on its list; what it has not confirmed yet comes first. */
function withOrder(
  { state, device }: Pick<Deciding, 'state' | 'device'>,
  decision: Decision<AuthorityRecord>,
  { ticketId, standing }: { readonly ticketId: string; readonly standing: ListedStanding },
): Decision<AuthorityRecord> {
  if (state.orders.has(ticketId)) return decision;
  const order = { number: state.orderCount + 1, ticketId, standing };
  const id = `standing/${order.number}/${ticketId}`;
  return {
    ...decision,
    records: [...decision.records, { type: 'ordered', order }],
    send: [{ id, to: device, kind: 'SetStanding', body: standingOrder.encode({ ticketId, standing }) }],
  };
}

function hearTold({ state, device }: Deciding, id: string): Decision<AuthorityRecord> {
  const ticketId = id.split('/')[2] ?? '';
  const order = state.orders.get(ticketId);
  const issued = state.issued.get(ticketId);
  if (order === undefined || issued === undefined) return { records: [] };
  const obeyed = { records: [{ type: 'obeyed', ticketId } as const] };
  if (issued.standing === order.standing || issued.standing === 'replaced') return obeyed;
  const orders = new Map(state.orders);
  orders.delete(ticketId);
  return withOrder({ state: { ...state, orders }, device }, obeyed, issued);
}

/** The answer to the agent; a grant is remembered until the agent says what became of it. */
function rule(deciding: Deciding, query: AuthorityQuery): Decision<AuthorityRecord> {
  const { state } = deciding;
  const { transaction } = query;
  // The agent gave up before this arrived.
  if (state.over.has(transaction) || state.grants.has(transaction)) return refuse('busy');
  try {
    return query.type === 'acquire' ? ruleOnApplication(deciding, query) : ruleOnRevalidation(deciding, query);
  } catch (error) {
    // The record does not make a credential: a matter for the clerks.
    if (!(error instanceof HandselError)) throw error;
    return refuse('record');
  }
}

const answered = (ruling: AuthorityRuling): Decision<AuthorityRecord> => ({
  records: [],
  answer: authorityRuling.encode(ruling),
});
const refuse = (reason: Refusal) => answered({ type: 'refuse', reason });

function ruleOnApplication(
  deciding: Deciding,
  query: Extract<AuthorityQuery, { type: 'acquire' }>,
): Decision<AuthorityRecord> {
  const { state, rules, env } = deciding;
  const { wanted, kind, code, transaction, applicant } = query;
  const rule = rules.get(wanted);
  if (rule === undefined || !(rule.holders ?? [kind]).includes(kind)) return refuse('wanted');

  const visit = code && state.visits.get(codeHash(code));
  const came = visit !== undefined && visit.wanted === wanted && visit.untilMs >= env.nowMs;
  if (code !== undefined && !came) return refuse('identity');
  const subject = came ? visit.subject : subjectShown(state, rule, query.evidence);
  const record = subject === undefined ? undefined : state.records.get(subject);
  if (record === undefined) return refuse('identity');
  if (!record.eligible) return refuse('record');
  if (isUnderWay(state, { subject: record.subject, wanted })) return refuse('busy');

  // In person a lost credential is replaced; remotely there is one at a time, or a stolen device would make more of them.
  const current = currentOf(state, { subject: record.subject, wanted });
  const good = current !== undefined && current.standing === 'good' && current.expiresDay >= dayOf(env.nowMs);
  if (good && !came) return refuse('issued');
  if (current?.standing === 'suspended' || (current?.standing === 'revoked' && !came)) return refuse('record');
  const replaces = good ? [current.ticketId] : [];
  const codeUsed = came ? visit.code : undefined;
  return grant(deciding, rule, record.fields, {
    ...{ transaction, subject: record.subject, wanted, holder: applicant, code: codeUsed, replaces, renewals: 0 },
  });
}

function isUnderWay({ grants }: AuthorityState, what: { readonly subject: string; readonly wanted: string }): boolean {
  return [...grants.values()].some(({ subject, wanted }) => subject === what.subject && wanted === what.wanted);
}

function currentOf({ current, issued }: AuthorityState, what: { readonly subject: string; readonly wanted: string }) {
  const ticketId = current.get(currentKey(what));
  return ticketId === undefined ? undefined : issued.get(ticketId);
}

function ruleOnRevalidation(
  deciding: Deciding,
  query: Extract<AuthorityQuery, { type: 'revalidate' }>,
): Decision<AuthorityRecord> {
  const { state, rules, env } = deciding;
  const { ticketId, transaction, applicant, expiresDay } = query;
  const issued = state.issued.get(ticketId);
  const rule = issued && rules.get(issued.wanted);
  const record = issued && state.records.get(issued.subject);
  if (issued === undefined || rule === undefined || record === undefined) return refuse('identity');
  const { subject, wanted, renewals } = issued;
  if (issued.standing !== 'good' || issued.expiresDay !== expiresDay || !record.eligible) return refuse('record');
  if (isUnderWay(state, { subject, wanted })) return refuse('busy');
  if (dayOf(env.nowMs) < expiresDay - (rule.renewalDays ?? 60)) return refuse('early');
  // Steps 980 to 982.
  if (renewals >= (rule.remoteRenewals ?? Number.POSITIVE_INFINITY)) return answered({ type: 'in-person' });
  return grant(deciding, rule, record.fields, {
    ...{
      transaction,
      subject,
      wanted,
      holder: applicant,
      code: undefined,
      replaces: [ticketId],
      renewals: renewals + 1,
    },
  });
}

function grant(
  { env }: Deciding,
  rule: IssueRule,
  fields: Claims,
  granted: Omit<Grant, 'expiresDay' | 'atMs'>,
): Decision<AuthorityRecord> {
  const credential = credentialFor(rule, fields, env.nowMs);
  const expiresDay = dayOf(env.nowMs) + rule.validDays;
  const { price } = rule;
  const ruling: AuthorityRuling = { type: 'grant', credential, replaces: granted.replaces, ...(price && { price }) };
  return {
    records: [{ type: 'granted', grant: { ...granted, expiresDay, atMs: env.nowMs } }],
    answer: authorityRuling.encode(ruling),
  };
}

/** Figure 27, steps 944 to 946: the agent has committed, or has aborted. */
function conclude(
  { state, env, device }: Deciding,
  { transaction, issued }: Extract<AuthorityInput, { type: 'outcome' }>,
): Decision<AuthorityRecord> {
  const answer = new Uint8Array();
  if (state.over.has(transaction)) return { records: [], answer };
  const atMs = env.nowMs;
  if (issued === undefined) return { records: [{ type: 'dropped', transaction, atMs }], answer };
  const grant = state.grants.get(transaction);
  if (grant === undefined) throw new TrustedError('TRANSACTION_UNKNOWN', 'nothing was granted under it');
  const decision = { records: [{ type: 'issued', transaction, ticketId: issued, atMs } as const], answer };
  // What was taken away while the new one was on its way is taken away from the new one.
  const standing = grant.replaces.map((old) => state.issued.get(old)?.standing).find((one) => one !== 'good');
  if (standing === undefined || standing === 'replaced') return decision;
  const inherited = { type: 'standing', ticketId: issued, standing } as const;
  return withOrder({ state, device }, { ...decision, records: [...decision.records, inherited] }, inherited);
}
