/** The journal's courier for http and https routes: says which answers settle a message and which mean "again later". */
import type { Courier } from '../journal/courier.ts';
import type { Outgoing } from '../journal/machine.ts';
import type { Client } from './client.ts';
import { PROBLEM_TYPE, readProblem } from './problem.ts';
import { TransportError } from './transport-error.ts';

export interface MessageForm {
  readonly contentType: string;
  readonly extension: string;
}

/** Client errors that say nothing about the message itself: RFC 9110 section 15.5.9, RFC 8470, RFC 6585. */
const AGAIN_LATER = new Set([408, 425, 429]);

/** 2xx answers; other 4xx refuse, with the problem's code; anything else is thrown, so the outbox delivers again. */
export function createHttpCourier(options: {
  readonly client: Client;
  /** Default: SET on paths ending in `/set`, COSE elsewhere. */
  readonly formOf?: (message: Outgoing) => MessageForm;
}): Courier {
  const { client, formOf = formOfRoute } = options;
  return {
    async deliver(message, attempt) {
      const { kind, body } = message;
      const {
        status,
        contentType,
        body: answer,
      } = await client.post(message.to, { kind, body, ...formOf(message) }, attempt.signal);
      if (status >= 200 && status < 300) return { type: 'answered', body: answer };
      if (status < 400 || status >= 500 || AGAIN_LATER.has(status)) {
        throw new TransportError('PEER_BUSY', `the peer answered with status ${status}`, { detail: { status } });
      }
      const problem = contentType.startsWith(PROBLEM_TYPE) ? readProblem(answer) : undefined;
      return { type: 'refused', code: problem?.code ?? `HTTP_${status}`, detail: problem?.detail ?? '' };
    },
  };
}

function formOfRoute({ to }: Outgoing): MessageForm {
  return new URL(to).pathname.endsWith('/set')
    ? { contentType: 'application/set-payment', extension: 'der' }
    : { contentType: 'application/cose', extension: 'cose' };
}
