/** What can be disputed, and how: each kind has its own court, and the same five commands. */
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
