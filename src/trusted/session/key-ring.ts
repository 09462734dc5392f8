/**
 * The secrets of sessions, in memory and nowhere else: a journal is never deleted, so a key in it would be there for whoever opens the device
 * years later. After a restart the ring is empty and every session from before is lost, which transactions are made to survive.
 */
import type { GreetingSent, HelloSent, SessionKeys } from './handshake.ts';

interface Secrets {
  /** Of a caller, until it is greeted. */
  readonly hello: HelloSent;
  /** Of a callee, until the caller has proved itself. */
  readonly greeted: GreetingSent;
  readonly keys: SessionKeys;
}

export interface KeyRing {
  get<K extends keyof Secrets>(session: string, kind: K): Secrets[K] | undefined;
  /** What a session had before is forgotten. */
  put<K extends keyof Secrets>(session: string, kind: K, secrets: Secrets[K]): void;
  forget(session: string): void;
}

/** Callers that never prove themselves cost a callee this many places at most; the oldest has to go. */
const maxGreeted = 1024;

export function createKeyRing(): KeyRing {
  const rings = { hello: new Map(), greeted: new Map(), keys: new Map() } as {
    readonly [K in keyof Secrets]: Map<string, Secrets[K]>;
  };
  const forget = (session: string) => {
    for (const kind of ['hello', 'greeted', 'keys'] as const) {
      wipe(rings[kind].get(session));
      rings[kind].delete(session);
    }
  };
  return {
    get: (session, kind) => rings[kind].get(session),
    put(session, kind, secrets) {
      forget(session);
      rings[kind].set(session, secrets);
      if (rings.greeted.size > maxGreeted) forget(rings.greeted.keys().next().value!);
    },
    forget,
  };
}

/** As far as a runtime with garbage collection can: what it copied meanwhile is out of reach. */
function wipe(secrets: unknown): void {
  if (secrets instanceof Uint8Array) secrets.fill(0);
  else if (typeof secrets === 'object' && secrets !== null) Object.values(secrets).forEach(wipe);
}
