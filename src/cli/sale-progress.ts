/**
 * Tells a sale as it happens, in the three steps of EP 1 006 469 (KPN-8): I, the agents agree and start the payment; II, payment by
 * SET; III, completion is told. It listens to the messages the parties exchange, just as a trace does.
 */
import type { TracedMessage } from '../transport/trace.ts';

type Say = (line: string) => void;

const TITLES = [
  'Step I: the agents negotiate, agree, and start the payment',
  'Step II: the goods are ordered, fetched encrypted and checked; accepted, the card pays over SET',
  'Step III: completion is told, and the key is released',
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
  'delivery-order': { step: 1, words: 'the signed order; the merchant signs that it takes it' },
  'delivery-key-handover': { step: 1, words: 'K1 for the merchant, which the trustee cannot read' },
  'delivery-passed-key': { step: 1, words: 'K1, signed by the trustee' },
  PInitReq: { step: 1, words: 'the wallet begins the payment' },
  PReq: { step: 1, words: 'order and payment instruction under one dual signature' },
  AuthReq: { step: 1, words: 'authorisation, with the instruction only the gateway can open' },
  ISO0100: { step: 1, words: 'card network: authorisation (ISO 8583)' },
  ISO0200: { step: 1, words: 'card network: purchase (ISO 8583)' },
  ISO0210: { step: 1, words: 'card network: the issuer answers' },
  AuthRes: { step: 1, words: 'the gateway answers' },
  PRes: { step: 1, words: 'the merchant confirms' },
  'delivery-payment-inquiry': { step: 2, words: 'the operator signs what was charged, for this acceptance' },
  'delivery-acceptance': { step: 2, words: 'accepted and paid; the answer is K2 under K1' },
  completion: { step: 2, words: 'the merchant tells its agent' },
  'completion-notice': { step: 2, words: "the agent tells its owner's station where the goods are" },
};

/** What has to be heard before a step is over; lines of a later one wait for it. */
const ENDS: readonly (readonly string[])[] = [['payment-start', 'payment-request'], ['PRes'], ['completion-notice']];

export interface SaleProgress {
  /** Nothing is said before this was called, so that the parties' own start is not told. */
  begin(): void;
  heard(message: Pick<TracedMessage, 'from' | 'to' | 'kind'>): void;
  /** The sale is over, well or not: what still waited is said. */
  end(): void;
}

/** `say` gets one line at a time. Messages of parties cross: a line stands under the step it belongs to, not where it came in. */
export function createSaleProgress(say: Say): SaleProgress {
  let begun = false;
  let step = 0;
  let titled = -1;
  let missing = new Set(ENDS[0]);
  const waiting: { readonly kind: string; readonly line: string }[][] = [[], [], []];

  const tell = (of: number) => {
    for (const { kind, line } of waiting[of]!.splice(0)) {
      if (titled < of) say(TITLES[of]!);
      titled = Math.max(titled, of);
      say(line);
      missing.delete(kind);
    }
  };
  const goTo = (next: number) => {
    step = next;
    missing = new Set(ENDS[next]);
  };
  const tellWhatIsDue = () => {
    for (let of = 0; of <= step; of += 1) {
      tell(of);
      if (of === step && missing.size === 0 && step < 2) goTo(step + 1);
    }
  };
  return {
    begin() {
      begun = true;
    },
    heard({ from, to, kind }) {
      const scene = begun && Object.hasOwn(scenes, kind) ? scenes[kind] : undefined;
      if (scene === undefined) return;
      // The agent buys a second time.
      if (scene.step === 0 && step === 2 && missing.size === 0) {
        titled = -1;
        goTo(0);
      }
      waiting[scene.step]!.push({
        kind,
        line: `    ${`${from} → ${to}`.padEnd(30)} ${kind.padEnd(24)} ${scene.words}`,
      });
      tellWhatIsDue();
    },
    end() {
      for (const of of waiting.keys()) tell(of);
    },
  };
}
