/** What a party is: a deterministic state machine without I/O, run by a host (ARCHITECTURE.md, "The backbone"). */

/** What a decision may see besides the state and the input. */
export interface Env {
  readonly nowMs: number;
  random(length: number): Uint8Array;
}

/** S = state, I = input, R = record (plain data that deterministic CBOR can carry, unless the machine brings its own encoding). */
export interface Machine<S, I, R> {
  readonly name: string;
  initial(): S;
  /**
   * Says what the input leads to. No I/O, no mutation of the state; synchronous signing is fine.
   * A thrown HandselError refuses this input and changes nothing; any other exception stops the host.
   */
  decide(state: S, input: I, env: Env): Decision<R>;
  /** Mutates the state; deterministic; called right after `decide` and again on replay. */
  apply(state: S, record: R): void;
  encodeRecord?(record: R): Uint8Array;
  decodeRecord?(bytes: Uint8Array): R;
  snapshot(state: S): Uint8Array;
  restore(bytes: Uint8Array): S;
  /** Turns what became of an outbox message into an input; stateless checks belong here. A HandselError = the answer was useless: asked again. */
  received(reply: Reply): I;
  /** Turns a due timer into an input. */
  fired(timer: Timer): I;
}

export interface Decision<R> {
  readonly records: readonly R[];
  /** Index keys of these records, for histories read back by `Host.readByKey`. */
  readonly keys?: readonly string[];
  /** The answer to the message being handled; absent = answered later, by `answers` of another decision. */
  readonly answer?: Uint8Array;
  /** Answers to earlier messages. */
  readonly answers?: readonly { readonly messageId: string; readonly body: Uint8Array }[];
  readonly send?: readonly Outgoing[];
  /** Ids of outbox messages that need no longer be delivered. */
  readonly cancel?: readonly string[];
  /** A timer with the id of a waiting one replaces it. */
  readonly timers?: readonly Timer[];
  readonly clearTimers?: readonly string[];
  /** Further inputs (I) to this same machine, decided right after this one and durable together with it. */
  readonly inputs?: readonly unknown[];
}

/** A message for another party. The outbox repeats the same bytes until it is answered, refused, expired or cancelled. */
export interface Outgoing {
  /** Unique for ever within the machine: the message identity. */
  readonly id: string;
  /** Route: a URL, or a name such as `iso8583:acquirer` that the courier knows. */
  readonly to: string;
  /** The message's name for traces, e.g. `PInitReq`. */
  readonly kind: string;
  readonly body: Uint8Array;
  /** Unix milliseconds after which delivery is given up and reported as `expired`. */
  readonly expiresAtMs?: number;
}

export type Outcome =
  | { readonly type: 'answered'; readonly body: Uint8Array }
  | { readonly type: 'refused'; readonly code: string; readonly detail: string }
  | { readonly type: 'expired' };

export interface Reply {
  readonly id: string;
  readonly to: string;
  readonly kind: string;
  readonly outcome: Outcome;
}

export interface Timer {
  readonly id: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly note?: string;
}
