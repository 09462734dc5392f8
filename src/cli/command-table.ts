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
    name: 'start',
    description: 'run a whole network in one process and let the agent of its customer buy something',
    options: ['json', 'home', 'trace'],
    load: async () => (await import('./start.ts')).startCommand(),
  },
  {
    name: 'network',
    description: 'make the parties of a whole network',
    options: ['json', 'home'],
    load: async () => (await import('./network.ts')).networkCommand(),
  },
  {
    name: 'run',
    description: 'run one party as a process of its own',
    options: ['json', 'trace'],
    load: async () => (await import('./run.ts')).runCommand(),
  },
  {
    name: 'agent',
    description: 'send an agent to buy something, see how it fares, approve, call back',
    options: ['json', 'home'],
    load: async () => (await import('./agent.ts')).agentCommand(),
  },
  {
    name: 'wallet',
    description: 'the wallet: cards, and buying without any agent',
    options: ['json', 'home'],
    load: async () => (await import('./wallet.ts')).walletCommand(),
  },
  {
    name: 'fetch',
    description: 'fetch what has to be paid for, out of deposits, within a limit',
    options: ['json', 'home'],
    load: async () => (await import('./fetch.ts')).fetchCommand(),
  },
  {
    name: 'deposit',
    description: 'deposits for tiny purchases: open, list, show, close',
    options: ['json', 'home'],
    load: async () => (await import('./deposit.ts')).depositCommand(),
  },
  {
    name: 'delivery',
    description: 'goods checked before they are paid: buy, follow, check packages, make them',
    options: ['json', 'home'],
    load: async () => (await import('./delivery.ts')).deliveryCommand(),
  },
  {
    name: 'dispute',
    description: 'complain of what was bought, answer, rule',
    options: ['json', 'home'],
    load: async () => (await import('./dispute.ts')).disputeCommand(),
  },
  {
    name: 'verify-ruling',
    description: 'check a ruling and its evidence, offline',
    options: ['json', 'home'],
    load: async () => (await import('./verify-ruling.ts')).verifyRulingCommand(),
  },
  {
    name: 'statement',
    description: 'what came of deposits, as customer, merchant and operators have it',
    options: ['json', 'home'],
    load: async () => (await import('./statement.ts')).statementCommand(),
  },
  {
    name: 'rates',
    description: "exchange rates of the customer's bank, and prices in the customer's money",
    options: ['json', 'home'],
    load: async () => (await import('./rates.ts')).ratesCommand(),
  },
  {
    name: 'tickets',
    description: 'tickets on a device: list, show to a door, present, transfer, print, export',
    options: ['json', 'home'],
    load: async () => (await import('./tickets.ts')).ticketsCommand(),
  },
  {
    name: 'credentials',
    description: "credentials on a device: acquire, show, renew; and an authority's clerks",
    options: ['json', 'home'],
    load: async () => (await import('./credentials.ts')).credentialsCommand(),
  },
  {
    name: 'papers',
    description: 'orders, invoices, remittances and receipts between devices: write, pay, see how orders stand',
    options: ['json', 'home'],
    load: async () => (await import('./papers.ts')).papersCommand(),
  },
  {
    name: 'gate',
    description: 'check tickets in at a door, also without a network; compare doors afterwards',
    options: ['json', 'home'],
    load: async () => (await import('./gate.ts')).gateCommand(),
  },
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
    name: 'operator',
    description: 'see the books of a running operator, close its business day, export its billing records',
    options: ['json'],
    load: async () => (await import('./operator.ts')).operatorCommand(),
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
