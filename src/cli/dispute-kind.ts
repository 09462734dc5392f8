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
  /** Of tickets: whose device; the merchant's device; what is wrong; what is granted, chosen, and was seen. */
  readonly device?: string;
  readonly with?: string;
  readonly about?: string;
  readonly grant?: readonly ('refund' | 'replacement')[];
  readonly replacement?: string;
  readonly what?: 'refund' | 'replacement';
  readonly card?: string;
  readonly seen?: string;
  readonly appeal?: true;
  readonly primaryKeys?: string;
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
  /** What was granted or ruled is collected, where that is not done by itself. */
  choose?(id: string, options: DisputeOptions, write: Write): Promise<void>;
  ruling(id: string, options: DisputeOptions, write: Write): Promise<void>;
}
