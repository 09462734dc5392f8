/**
 * Tells a sale as it happens, in the three steps of EP 1 006 469 (KPN-8): I, the agents agree and start the payment; II, payment by
 * SET; III, completion is told. It listens to the messages the parties exchange, just as a trace does.
 */
import type { TracedMessage } from '../transport/trace.ts';

type Say = (line: string) => void;

const TITLES = [
  'Step I: the agents negotiate, agree, and start the payment',
  'Step II: the card pays over SET',
  'Step III: completion is told, and the goods are fetched',
] as const;

interface Scene {
  /** Index of the step. */
  readonly step: 0 | 1 | 2;
  readonly words: string;
}

/** By the message's name; messages not named here are not worth a line. */
const scenes: Readonly<Record<string, Scene>> = {
  reserve: { step: 0, words: 'a place on the market is reserved' },
  launch: { step: 0, words: 'the agent is launched with its signed mandate and sealed token' },
  'payment-start': { step: 0, words: 'agreed and signed by both agents: the wallet is asked to pay' },
  'payment-request': { step: 0, words: 'the merchant is told to expect a payment by card' },
  PInitReq: { step: 1, words: 'the wallet begins the payment' },
  PReq: { step: 1, words: 'order and payment instruction under one dual signature' },
  AuthReq: { step: 1, words: 'authorisation, with the instruction only the gateway can open' },
  ISO0100: { step: 1, words: 'card network: authorisation (ISO 8583)' },
  ISO0200: { step: 1, words: 'card network: purchase (ISO 8583)' },
  ISO0210: { step: 1, words: 'card network: the issuer answers' },
  AuthRes: { step: 1, words: 'the gateway answers' },
  PRes: { step: 1, words: 'the merchant confirms' },
  completion: { step: 2, words: 'the merchant tells its agent' },
  'completion-notice': { step: 2, words: "the agent tells its owner's station where the goods are" },
};

export interface SaleProgress {
  heard(message: Pick<TracedMessage, 'from' | 'to' | 'kind'>): void;
}

/** `say` gets one line at a time; nothing is said before `begin` was called, so that the parties' own start is not told. */
export function createSaleProgress(say: Say): SaleProgress & { begin(): void } {
  let begun = false;
  let told = -1;
  return {
    begin() {
      begun = true;
    },
    heard({ from, to, kind }) {
      const scene = begun && Object.hasOwn(scenes, kind) ? scenes[kind] : undefined;
      if (scene === undefined) return;
      for (; told < scene.step; ) {
        told += 1;
        say(TITLES[told]!);
      }
      say(`    ${`${from} → ${to}`.padEnd(30)} ${kind.padEnd(18)} ${scene.words}`);
    },
  };
}
