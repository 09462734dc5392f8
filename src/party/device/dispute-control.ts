/** Disputes on the command line of a device's owner (`serve-owner.ts`). */
import { z } from 'zod';
import type { Request, Routes } from '../../transport/route.ts';
import { complaints } from '../../trusted/message/dispute.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import type { DisputeDesk } from './dispute-desk.ts';
import { readComponents } from './ticket-order.ts';

const name = z.string().regex(/^[0-9a-fA-F]{1,64}$/, 'expected the beginning of a name: hexadecimal digits');
const words = z.string().max(2000);
const order = z.strictObject({
  ticket: name,
  to: z.string().min(1).max(200),
  about: z.enum(complaints).default('defective'),
  statement: words,
});
const answer = z.strictObject({
  grant: z.array(z.enum(['refund', 'replacement'])).max(2),
  reason: words,
  replacement: z.unknown().optional(),
});
const choice = z.strictObject({ what: z.enum(['refund', 'replacement']), card: name.optional() });
const said = z.strictObject({ statement: words });
const id = ({ params }: Request) => name.parse(params.id);

export function disputeControl(desk: DisputeDesk, guarded: Guarded): Routes {
  const route = (handle: (request: Request) => Promise<unknown>) =>
    guarded(async (request) => inJson(await handle(request)));
  return {
    'GET /disputes': route(async () => desk.disputes()),
    'GET /disputes/:id': route(async (request) => desk.dispute(id(request))),
    'POST /disputes': route(async (request) => desk.open(readRequest(request, order))),
    'POST /disputes/:id/answer': route(async (request) => {
      const { replacement, ...said } = readRequest(request, answer);
      const fresh = replacement === undefined ? undefined : readComponents(replacement);
      return desk.answer(id(request), { ...said, replacement: fresh });
    }),
    'POST /disputes/:id/choose': route(async (request) => desk.choose(id(request), readRequest(request, choice))),
    'POST /disputes/:id/escalate': route(async (request) =>
      desk.escalate(id(request), readRequest(request, said).statement),
    ),
    'POST /disputes/:id/appeal': route(async (request) =>
      desk.appeal(id(request), readRequest(request, said).statement),
    ),
    'GET /disputes/:id/ruling': route(async (request) => ({
      bundle: Buffer.from(desk.bundle(id(request))).toString('base64'),
    })),
  };
}
