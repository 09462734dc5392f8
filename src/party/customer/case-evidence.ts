/** What an arbiter tells of a case: where it stands, and everything its ruling rests on. */
import { toHex } from '../../codec/hex.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import { caseEvidenceType } from '../../delivery/receiver/refund.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Client } from '../../transport/client.ts';
import { readProblem } from '../../transport/problem.ts';
import { type CaseStanding, caseStandingSchema } from '../message/case-standing.ts';
import { NotYet } from './counter-payment.ts';

type Arbiter = { readonly url: string } | undefined;

/** @param of case, hexadecimal @throws HandselError with the arbiter's refusal, or the client's when it cannot be reached */
export function rulingBundle(of: string, client: Client, arbiter: Arbiter): Promise<Uint8Array> {
  return ask(`/delivery/rulings/${of}`, client, arbiter);
}

/** Where it stands, while there is no ruling. @throws as `rulingBundle` */
export async function caseStanding(of: string, client: Client, arbiter: Arbiter): Promise<CaseStanding> {
  const body = await ask(`/delivery/cases/${of}`, client, arbiter);
  const said = caseStandingSchema.safeParse(jsonIn(body));
  if (said.success) return said.data;
  throw new HandselError('ANSWER_MALFORMED', 'the arbiter answered something else than where the case stands');
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

async function ask(path: string, client: Client, arbiter: Arbiter): Promise<Uint8Array> {
  if (arbiter === undefined) throw new HandselError('CASE_UNKNOWN', 'nothing was complained of there');
  const answer = await client.get(`${arbiter.url}${path}`);
  if (answer.status === 200) return answer.body;
  const problem = readProblem(answer.body);
  throw new HandselError(problem?.code ?? `HTTP_${answer.status}`, problem?.detail ?? 'the arbiter refused');
}

/** For the receiver's errand: it has ruled, so it has the bundle. @throws NotYet */
export async function caseEvidence(
  body: Uint8Array,
  { client, arbiter }: { readonly client: Client; readonly arbiter: Arbiter },
): Promise<Uint8Array> {
  try {
    return await rulingBundle(toHex(decodeShape(caseEvidenceType, body).case), client, arbiter);
  } catch (cause) {
    throw new NotYet('the evidence is not to be had yet', { cause });
  }
}
