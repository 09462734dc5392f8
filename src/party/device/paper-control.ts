/** What the owner of a device asks about commercial papers, on the command line. */
import { z } from 'zod';
import type { Request, Routes } from '../../transport/route.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import type { PaperDesk } from './paper-desk.ts';
import { readComponents } from './ticket-order.ts';

const to = z.string().min(1).max(200);
const paper = z.strictObject({ paper: z.unknown(), to });
const name = z.string().min(1).max(120);
const remittance = z.strictObject({
  to,
  invoices: z.array(name).max(40).default([]),
  amount: z.string().max(40).optional(),
  by: z.enum(['card', 'later']).default('card'),
  card: z.string().max(32).optional(),
  customer: name.optional(),
  show: z
    .strictObject({
      ticket: z.string().regex(/^[0-9a-fA-F]{1,32}$/),
      fields: z.array(z.string().max(60)).max(50).optional(),
    })
    .optional(),
});

export function paperControl(desk: PaperDesk, guarded: Guarded): Routes {
  const route = (handle: (request: Request) => Promise<unknown>) =>
    guarded(async (request) => inJson(await handle(request)));
  return {
    'GET /papers': route(async () => desk.books()),
    'POST /papers': route(async (request) => {
      const { paper: given, to: whom } = readRequest(request, paper);
      return desk.write(readComponents(given), whom);
    }),
    'POST /remit': route(async (request) => desk.remit(readRequest(request, remittance))),
  };
}
