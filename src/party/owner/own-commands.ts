/** What a party's own people tell and ask the running process: whoever holds the party's own certificate. */
import { utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';

class CommandRefused extends HandselError {}

/** Answers in JSON. @throws (the handler) CommandRefused `NOT_ALLOWED` */
export function ownCommand(name: string, answer: (request: Request) => Promise<unknown>): Handler {
  return async (request) => {
    requireOwn(name, request);
    return { contentType: 'application/json', body: utf8(JSON.stringify((await answer(request)) ?? {})) };
  };
}

/** The same doors, for the party itself only: its people, and its other processes. */
export function forOwnPeople(name: string, routes: Routes): Routes {
  const guarded = Object.entries(routes).map(([route, handler]): [string, Handler] => [
    route,
    async (request) => {
      requireOwn(name, request);
      return handler(request);
    },
  ]);
  return Object.fromEntries(guarded);
}

function requireOwn(name: string, { peer }: Request): void {
  const asking = peer && nameAttribute(readCertificate(peer.certificateDer).subject, 'CN');
  if (asking !== name) throw new CommandRefused('NOT_ALLOWED', `only ${name} itself may do that`);
}
