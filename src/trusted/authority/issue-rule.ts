/** What an authority issues, under which conditions and with which fields: its own rules, given to its server when it is started. */
import type { Amount } from '../../money/amount.ts';
import type { Claims, ClaimValue } from '../credential/claim.ts';
import type { GrantedCredential } from '../credential/port-query.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { AgentKind } from '../message/certificate.ts';
import { dayOf } from '../message/day.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { type Components, componentsShape } from '../ticket/components.ts';

export interface IssueRule {
  /** As applicants ask for it: `driver's licence`. */
  readonly wanted: string;
  /** A type with its fields in the open, or an attestation. */
  readonly form: 'licence' | 'corporate-seal' | 'card' | 'merchant' | 'authority' | 'attestation';
  /** The record's fields that go into it. */
  readonly fields: readonly string[];
  /** Further fields of an attestation that follow from a day in the record (`2001-05-31`): so many years ago or more, yes or no. */
  readonly ages?: readonly { readonly name: string; readonly from: string; readonly years: number }[];
  readonly validDays: number;
  readonly price?: Amount;
  /** Kinds of agents that may hold it; default: any. */
  readonly holders?: readonly AgentKind[];
  /** Credentials by which it may be acquired remotely; default: none, so only in person. */
  readonly evidence?: readonly EvidenceRule[];
  /** How many days before its end it is revalidated; default 60. */
  readonly renewalDays?: number;
  /** How often it is revalidated remotely before its holder has to come; default: always remotely. */
  readonly remoteRenewals?: number;
}

/** A credential that says who somebody is, if it says the same as the record. */
export interface EvidenceRule {
  /** Its issuer's agent: names alone could be anybody's. */
  readonly issuer: AgentId;
  /** Its type, or the title of an attestation. */
  readonly what: string;
  /** Fields of it that must be equal to fields of the record; the first one finds the record. At least one. */
  readonly equal: readonly { readonly shown: string; readonly record: string }[];
}

/** @throws TrustedError `TICKET_INVALID` for a record that has not what the credential needs */
export function credentialFor(rule: IssueRule, record: Claims, nowMs: number): GrantedCredential {
  const expiresDay = dayOf(nowMs) + rule.validDays;
  const fields = rule.fields.map((name) => [name, fieldOf(record, name)] as const);
  if (rule.form === 'attestation') {
    const ages = (rule.ages ?? []).map(({ name, from, years }) => ({
      name,
      value: isAged(record, from, years, nowMs),
    }));
    const claims = [...fields.map(([name, value]) => ({ name, value })), ...ages];
    return { type: 'attested', title: rule.wanted, expiresDay, claims };
  }
  const title = rule.form === 'licence' ? { title: rule.wanted } : {};
  const made = { ...title, ...Object.fromEntries(fields), type: rule.form, expiresDay } as unknown as Components;
  // A data base is filled by people: what they left out or misspelt is refused before it is signed.
  return { type: 'open', components: componentsShape.decode(componentsShape.encode(made), 'record') };
}

function fieldOf(record: Claims, name: string): ClaimValue {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  if (value === undefined) throw new TrustedError('TICKET_INVALID', `the record has no "${name}"`);
  return value;
}

function isAged(record: Claims, from: string, years: number, nowMs: number): boolean {
  const day = /^(\d{4})-(\d\d-\d\d)$/.exec(String(fieldOf(record, from)));
  if (day === null) throw new TrustedError('TICKET_INVALID', `the record's "${from}" is no day`);
  const birthday = `${String(Number(day[1]) + years).padStart(4, '0')}-${day[2]}`;
  return new Date(nowMs).toISOString().slice(0, 10) >= birthday;
}
