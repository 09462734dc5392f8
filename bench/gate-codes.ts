/** The thread that makes codes for `gate.ts`: a door's certificate, and as many codes of tickets as are asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemRandom as random } from '../src/crypto/random.ts';
import type { AgentCertificate } from '../src/trusted/message/certificate.ts';
import { dayOf } from '../src/trusted/message/day.ts';
import { encodeTicket } from '../src/trusted/ticket/compact-ticket.ts';
import { lettersOfCode, signCode, writeCode } from '../src/trusted/ticket/ticket-code.ts';
import { newAgent, newPrimary, newServer } from '../test/trusted/hierarchy.ts';
import { sample } from '../test/trusted/ticket/samples.ts';
import { issue, signOver } from '../test/trusted/ticket/ticket-fixture.ts';

export interface GateTown {
  readonly primaryKey: Uint8Array;
  readonly door: { readonly scalar: Uint8Array; readonly certificate: AgentCertificate };
  /** As they stand in symbols. */
  readonly codes: readonly string[];
}

function makeTown({ transfers, codes }: { readonly transfers: number; readonly codes: number }): GateTown {
  const today = dayOf(Date.now());
  const expiresDay = today + 60;
  const primary = newPrimary(1, random);
  const server = newServer({ primary, serverId: 17, random, expiresDay: today + 100 });
  let serial = 0;
  const certified = (kind: 'customer' | 'merchant') => newAgent({ server, serial: ++serial, random, kind, expiresDay });
  const [issuer, door] = [certified('merchant'), certified('merchant')];
  const code = (): string => {
    const fromS = Math.floor(Date.now() / 1000);
    let holder = certified('customer');
    let ticket = issue({ issuer, receiver: holder, components: sample('event'), issuedOnDay: today });
    for (let i = 0; i < transfers; i++) {
      const next = certified('customer');
      ticket = signOver(ticket, holder, next, fromS);
      holder = next;
    }
    const claims = { ticket: encodeTicket(ticket), holder: holder.certificate, fromS, untilS: fromS + 300, paper: 0 };
    return lettersOfCode(writeCode(signCode(claims, holder.key.privateKey)));
  };
  return {
    primaryKey: primary.key.x,
    door: { scalar: door.key.scalar, certificate: door.certificate },
    codes: Array.from({ length: codes }, code),
  };
}

parentPort?.postMessage(makeTown(workerData));
