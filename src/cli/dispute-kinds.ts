/** What can be disputed: each kind has its own court, and the same five commands. */
import { Option } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { GlobalOptions } from './global-options.ts';

export interface DisputeOptions extends GlobalOptions {
  readonly kind?: string;
  /** Folder of the merchant, or of the arbiter, whose people ask; without either it is the customer. */
  readonly merchant?: string;
  readonly arbiter?: string;
  readonly statement?: string;
  /** Of a purchase of several goods, from 0 on. */
  readonly part: number;
  readonly decide?: string;
  readonly person?: string;
  readonly out?: string;
}

type Write = (text: string) => void;

export interface DisputeKind {
  /** Whether an identity is one of its own, by its form. */
  owns(id: string): boolean;
  open(id: string, options: DisputeOptions, write: Write): Promise<void>;
  /** Without an identity: all that are open. */
  show(id: string | undefined, options: DisputeOptions, write: Write): Promise<void>;
  answer(id: string, options: DisputeOptions, write: Write): Promise<void>;
  escalate(id: string, options: DisputeOptions, write: Write): Promise<void>;
  ruling(id: string, options: DisputeOptions, write: Write): Promise<void>;
}

/** Loaded when they are asked for. The first that owns an identity is meant, unless `--kind` says which. */
const kinds: Readonly<Record<string, () => Promise<DisputeKind>>> = {
  delivery: async () => (await import('./dispute-delivery.ts')).deliveryDisputes,
};

export const kindOption = () =>
  new Option('--kind <kind>', 'what is disputed, where its name does not tell').choices(Object.keys(kinds));

/** @throws HandselError `DISPUTE_UNKNOWN` */
export async function disputeKind(id: string | undefined, { kind }: DisputeOptions): Promise<DisputeKind> {
  if (kind !== undefined) return kinds[kind]!();
  for (const load of Object.values(kinds)) {
    const one = await load();
    if (id === undefined || one.owns(id)) return one;
  }
  throw new HandselError('DISPUTE_UNKNOWN', `${String(id).slice(0, 80)} names nothing that can be disputed`);
}
