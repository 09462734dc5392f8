/**
 * The secrets of sessions, in memory and nowhere else: a journal is never deleted, so a key in it would be there for whoever opens the device
 * years later. After a restart the ring is empty and every session from before is lost, which transactions are made to survive.
 */
import type { GreetingSent, HelloSent, SessionKeys } from './handshake.ts';

/** With the time of the greeting, Unix milliseconds. */
export type Greeted = GreetingSent & { readonly atMs: number };

interface Secrets {
  /** Of a caller, until it is greeted. */
  readonly hello: HelloSent;
  /** Of a callee, until the caller has proved itself. */
  readonly greeted: Greeted;
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
    // As far as a runtime with garbage collection can: what it copied meanwhile is out of reach.
    const { greeting, greetingMac, proof, proofMac, secret } = rings.greeted.get(session)?.keys ?? {};
    const { caller, callee, exporter } = rings.keys.get(session) ?? {};
    for (const key of [greeting, greetingMac, proof, proofMac, secret, caller, callee, exporter]) key?.fill(0);
    rings.hello.delete(session);
    rings.greeted.delete(session);
    rings.keys.delete(session);
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
