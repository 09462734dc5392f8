/** Charging in front of a handler of our own server: what `charge` says becomes a response. */
import type { Admission, Gate } from '../../deposit/merchant-http/charge-terms.ts';
import { PROBLEM_TYPE, problemFor } from '../../transport/problem.ts';
import type { Handler, Request, Response } from '../../transport/route.ts';

interface Whole extends Response {
  readonly body: Uint8Array;
}

const DEFAULT_TYPE = 'application/octet-stream';

/** For GET routes whose answers are whole in memory. */
export function chargedHandler(gate: Gate, handle: (request: Request) => Promise<Whole>): Handler {
  return async (request) => {
    const { target, header, body } = request;
    const admission = await gate.admit({ method: 'GET', target, header, body }, { mayHold: true });
    if (admission.type === 'refused') return withHeaders(admission.status, admission.headers, admission.body);
    if (admission.type === 'free') return handle(request);
    if (admission.type === 'answered') {
      const { status, headers, body: kept } = admission.answer;
      return withHeaders(status, Object.fromEntries(headers), kept);
    }
    return recorded(admission, () => handle(request));
  };
}

/** The answer is kept as it goes out, for whoever repeats the payment. */
async function recorded(
  { recorder, headersFor, durable }: Extract<Admission, { type: 'paid' }>,
  make: () => Promise<Whole>,
): Promise<Response> {
  const making = make();
  making.catch(() => {}); // is said below
  const refusal = await durable;
  if (refusal !== undefined) return withHeaders(refusal.status, refusal.headers, refusal.body);
  try {
    const { status = 200, contentType, headers, body } = await making;
    const all = { ...headers, ...headersFor(status, headers?.['cache-control']) };
    recorder.write(body);
    recorder.end(status, Object.entries({ 'content-type': contentType, ...all }));
    return { status, contentType, headers: all, body };
  } catch (error) {
    recorder.abandon();
    // It was paid, and whoever paid has to know that, too.
    const { status, body } = problemFor(error);
    return { status, contentType: PROBLEM_TYPE, headers: headersFor(status, undefined), body };
  }
}

function withHeaders(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): Response {
  const { 'content-type': contentType = DEFAULT_TYPE, ...rest } = headers;
  return { status, contentType, headers: rest, body };
}
