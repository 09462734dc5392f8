/** Every command of `handsel`: what the overview says of it, and where it is loaded from when it is asked for. */
import type { Command } from 'commander';
import type { GlobalOption } from './global-options.ts';

export interface CommandRow {
  readonly name: string;
  readonly description: string;
  /** The options of the whole program that mean something to this command. */
  readonly options: readonly GlobalOption[];
  /** Commands are loaded one by one: a start must not pay for the code of the others. */
  load(): Promise<Command>;
}

export const commandTable: readonly CommandRow[] = [
  {
    name: 'agency',
    description: 'the trusted third party: certification authorities, certificates, revocation',
    options: ['json', 'home'],
    load: async () => (await import('./agency.ts')).agencyCommand(),
  },
  {
    name: 'merchant',
    description: 'manage what a merchant offers',
    options: ['json'],
    load: async () => (await import('./merchant.ts')).merchantCommand(),
  },
  {
    name: 'negotiate',
    description: 'let two strategies negotiate over a Genius domain',
    options: ['json'],
    load: async () => (await import('./negotiate.ts')).negotiateCommand(),
  },
  {
    name: 'inspect',
    description: 'print any artefact in readable form: certificates, SET messages, CMS, COSE, CBOR, JSON',
    options: ['json'],
    load: async () => (await import('./inspect.ts')).inspectCommand(),
  },
];
