/** Where a case stands, for whoever is a party to it. */
import { type ArbiterPolicy, hearingMs } from '../../delivery/arbiter/arbiter-policy.ts';
import { type ArbiterRecord, type ArbiterState, type Case, caseKey } from '../../delivery/arbiter/case.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import type { CaseStanding } from '../message/case-standing.ts';

interface Cases {
  readonly state: Readonly<ArbiterState>;
  readByKey(key: string): Promise<readonly ArbiterRecord[]>;
}

/** @throws DeliveryError `CASE_UNKNOWN` */
export async function standingOf(host: Cases, of: string, policy: ArbiterPolicy): Promise<CaseStanding> {
  const records = /^[0-9a-f]{64}$/.test(of) ? await host.readByKey(caseKey(of)) : [];
  if (records.length === 0) throw new DeliveryError('CASE_UNKNOWN', 'there is no such case');
  const current = host.state.cases.get(of);
  const about = { case: of, arbiter: policy.name };
  if (current === undefined) return { ...about, phase: 'ruled', waitsFor: [] };
  const opened = records.find((record) => record.type === 'opened');
  const heard = current.merchantSaid !== 'waiting' || opened === undefined;
  return {
    ...{ ...about, phase: current.phase, waitsFor: waitsFor(current) },
    ...(heard ? {} : { heardUntil: new Date(opened.atMs + hearingMs(policy)).toISOString() }),
  };
}

/** A person decides only once the merchant was heard. */
function waitsFor({ phase, trusteeSaid, merchantSaid, productKey }: Case): CaseStanding['waitsFor'] {
  const trustee = trusteeSaid === 'waiting' && productKey === null ? (['trustee'] as const) : [];
  const merchant = merchantSaid === 'waiting' ? (['merchant'] as const) : [];
  return [...trustee, ...merchant, ...(phase === 'gathering' ? [] : (['arbiter'] as const))];
}
