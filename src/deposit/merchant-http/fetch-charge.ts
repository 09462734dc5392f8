/** Charging in front of a fetch handler, `(request: Request) => Response`: for servers that speak the web's own types. */
import type { AnswerRecorder, KeptAnswer } from './answer-memory.ts';
import { MAX_BODY_BYTES, readBounded } from './bounded-body.ts';
import type { Admission, Charge, ChargeOptions, Gate, Payment } from './charge-terms.ts';
import { type RefusedAnswer, refusalFor } from './payment-problem.ts';

/** `payment` is absent where the route was free for this request. */
export type PaidHandler = (request: Request, payment: Payment | undefined) => Response | Promise<Response>;

/** `forFetch({ price: '0.0004 EUR' }, handler)` */
export function fetchCharge(
  charge: Charge,
  { maxBodyBytes = MAX_BODY_BYTES }: { readonly maxBodyBytes?: number } = {},
) {
  return (options: ChargeOptions, handler: PaidHandler): ((request: Request) => Promise<Response>) => {
    const gate = charge(options);
    return async (request) => {
      const admitted = await admitRequest(gate, request, maxBodyBytes);
      if ('response' in admitted) return admitted.response;
      const { admission } = admitted;
      if (admission.type === 'free') return handler(admitted.request, undefined);
      return served(admission, () => handler(admitted.request, admission.payment));
    };
  };
}

type Let = Extract<Admission, { type: 'free' | 'paid' }>;
type Paid = Extract<Admission, { type: 'paid' }>;

/** The answer there already is, or the request with its body put back, to be served. */
export async function admitRequest(
  gate: Gate,
  request: Request,
  maxBodyBytes: number,
): Promise<{ readonly response: Response } | { readonly request: Request; readonly admission: Let }> {
  const { pathname, search } = new URL(request.url);
  let body: Uint8Array;
  try {
    body = await readBounded(request.body, maxBodyBytes);
  } catch (error) {
    return { response: refusedResponse(refusalFor(error)) };
  }
  const { method, headers } = request;
  const header = (name: string) => headers.get(name) ?? undefined;
  const admission = await gate.admit({ method, target: `${pathname}${search}`, header, body }, { mayHold: true });
  if (admission.type === 'refused') return { response: refusedResponse(admission) };
  if (admission.type === 'answered') return { response: keptResponse(admission.answer) };
  return { admission, request: body.length === 0 ? request : withBody(request, body) };
}

/** Runs the handler; its answer is taken down while it goes out. */
export async function served(admission: Paid, run: () => Response | Promise<Response>): Promise<Response> {
  const { recorder, headersFor, durable } = admission;
  const making = (async () => run())();
  making.catch(() => {}); // is said below
  const refusal = await durable;
  if (refusal !== undefined) return refusedResponse(refusal);
  let made: Response;
  try {
    made = await making;
  } catch (error) {
    recorder.abandon();
    throw error;
  }
  const headers = new Headers(made.headers);
  for (const [name, value] of Object.entries(headersFor(made.status, headers.get('cache-control') ?? undefined))) {
    headers.set(name, value);
  }
  const { status, statusText } = made;
  if (made.body === null) {
    recorder.end(status, [...headers]);
    return new Response(null, { status, statusText, headers });
  }
  return new Response(
    recorded(made.body, recorder, () => recorder.end(status, [...headers])),
    { status, statusText, headers },
  );
}

/** Passes on what it reads as it comes: a stream stays a stream. */
function recorded(
  body: ReadableStream<Uint8Array>,
  recorder: AnswerRecorder,
  end: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          end();
          controller.close();
          return;
        }
        recorder.write(value);
        controller.enqueue(value);
      } catch (error) {
        recorder.abandon();
        controller.error(error);
      }
    },
    async cancel(reason) {
      recorder.abandon();
      await reader.cancel(reason);
    },
  });
}

export function refusedResponse({ status, headers, body }: RefusedAnswer): Response {
  return new Response(Buffer.from(body), { status, headers: { ...headers } });
}

function keptResponse({ status, headers, body }: KeptAnswer): Response {
  const bodiless = body.length === 0 ? null : Buffer.from(body);
  return new Response(bodiless, { status, headers: headers.map(([name, value]) => [name, value]) });
}

function withBody(request: Request, body: Uint8Array): Request {
  const { method, headers, signal } = request;
  return new Request(request.url, { method, headers, signal, body: Buffer.from(body) });
}
