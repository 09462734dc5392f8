/** What the owner of a device can ask of it on the command line (`serve-owner.ts`). */
import { z } from 'zod';
import { toBase64Url } from '../../codec/hex.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';
import { readScanFile } from '../../trusted/door/scan-file.ts';
import { longestPaperS, maxCodeLetters } from '../../trusted/ticket/ticket-code.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceRefresh } from './device-refresh.ts';
import { disputeControl } from './dispute-control.ts';
import type { DisputeDesk } from './dispute-desk.ts';
import type { DoorDesk } from './door-desk.ts';
import { noDoor } from './no-door.ts';
import { readComponents } from './ticket-order.ts';

const ticket = z.string().regex(/^[0-9a-fA-F]{1,32}$/, "expected a ticket's name: hexadecimal digits");
const to = z.string().min(1).max(200);
const showOptions = z.strictObject({
  paper: z.boolean().default(false),
  forS: z.number().int().min(1).max(longestPaperS),
  door: z.string().max(40).optional(),
});
const presentation = z.strictObject({ ticket, to, check: z.boolean().default(false) });
const transfer = z.strictObject({ tickets: z.array(ticket).min(1).max(16), to, check: z.boolean().default(false) });
const issue = z.strictObject({ tickets: z.array(z.unknown()).min(1).max(16), to });
const scan = z.strictObject({
  code: z
    .string()
    .min(1)
    .max(maxCodeLetters + 10),
  units: z.number().int().min(0).max(0xffff_ffff).optional(),
});

export interface DeviceIdentity {
  readonly name: string;
  readonly number: string | undefined;
  readonly kind: string;
}

export function deviceControl(parts: {
  readonly desk: DeviceDesk;
  readonly door: DoorDesk | undefined;
  readonly disputes: DisputeDesk;
  readonly refresh: DeviceRefresh;
  readonly identity: () => DeviceIdentity;
  readonly guarded: Guarded;
}): Routes {
  const { desk, disputes, refresh, identity, guarded } = parts;
  const door = parts.door ?? noDoor;
  const withSecret = (handle: (request: Request) => Promise<unknown>): Handler =>
    guarded(async (request) => inJson(await handle(request)));
  const id = ({ params }: Request) => ticket.parse(params.id);
  return {
    'GET /device': withSecret(async () => ({ ...identity(), ...refresh.state() })),
    'GET /tickets': withSecret(async () => desk.tickets()),
    'GET /tickets/:id': withSecret(async (request) => desk.ticket(id(request))),
    'POST /tickets/:id/show': withSecret(async (request) => desk.show(id(request), readRequest(request, showOptions))),
    'POST /tickets/:id/take-back': withSecret(async (request) => ({
      mark: toBase64Url(await desk.takeBack(id(request))),
    })),
    'POST /present': withSecret(async (request) => {
      const { ticket: given, to: where, check } = readRequest(request, presentation);
      return desk.present(given, where, check);
    }),
    'POST /transfer': withSecret(async (request) => {
      const { tickets, to: whom, check } = readRequest(request, transfer);
      return { tickets: await desk.transfer(tickets, whom, check) };
    }),
    'POST /issue': withSecret(async (request) => {
      const { tickets, to: whom } = readRequest(request, issue);
      return { tickets: await desk.issue(tickets.map(readComponents), whom) };
    }),
    'POST /refresh': withSecret(async () => refresh.refresh()),
    'GET /log': withSecret(async () => desk.log(200)),
    ...disputeControl(disputes, guarded),
    'POST /scan': withSecret(async (request) => {
      const { code, units } = readRequest(request, scan);
      const { listsTooOld } = refresh.state();
      return { ...(await door.scan(code, units)), ...(listsTooOld && { listsTooOld }) };
    }),
    'GET /door': withSecret(async () => ({ ...identity(), ...refresh.state(), events: door.events() })),
    'GET /scans': withSecret(async () => door.book()),
    'GET /scans/file': guarded(async () => ({
      contentType: 'application/octet-stream',
      body: await door.scanFile(),
    })),
    'POST /scans/file': withSecret(async ({ body }) => ({ learnt: await door.learnScans(readScanFile(body)) })),
  };
}
