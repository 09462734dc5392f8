/** Whom the credentials shown by a remote applicant belong to, as this authority's data base knows people. */
import { equalBytes } from '../../codec/hex.ts';
import type { Claims, ClaimValue } from '../credential/claim.ts';
import type { AuthorityQuery } from '../credential/port-query.ts';
import type { AuthorityState } from './authority-state.ts';
import type { EvidenceRule, IssueRule } from './issue-rule.ts';

type Evidence = Extract<AuthorityQuery, { type: 'acquire' }>['evidence'][number];

/** The subject whose record says the same as one of the credentials; undefined when there is none, or more than one. */
export function subjectShown(
  { records }: AuthorityState,
  rule: IssueRule,
  evidence: readonly Evidence[],
): string | undefined {
  const found = new Set<string>();
  for (const shown of evidence) {
    const accepted = (rule.evidence ?? []).filter(({ issuer, what }) => issuer === shown.issuer && what === shown.what);
    for (const { subject, fields } of records.values()) {
      if (accepted.some((one) => saysTheSame(one, shown.claims, fields))) found.add(subject);
    }
  }
  return found.size === 1 ? [...found][0] : undefined;
}

function saysTheSame({ equal }: EvidenceRule, shown: Claims, record: Claims): boolean {
  return (
    equal.length > 0 &&
    equal.every((pair) => {
      const [theirs, ours] = [own(shown, pair.shown), own(record, pair.record)];
      return theirs !== undefined && ours !== undefined && isSame(theirs, ours);
    })
  );
}

const own = (claims: Claims, name: string) => (Object.hasOwn(claims, name) ? claims[name] : undefined);

function isSame(a: ClaimValue, b: ClaimValue): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}
