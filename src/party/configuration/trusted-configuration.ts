/** Configuration of trusted servers and of transaction devices (src/trusted). */
import { z } from 'zod';
import { parseAgentId } from '../../trusted/message/agent-id.ts';
import { amountField } from './money-field.ts';
import { listen, party, store } from './party-fields.ts';

/** What both kinds of trusted servers need. */
const server = {
  store,
  /** Keys of the primary servers as they are built in, see `primary-keys.ts`. */
  primaryKeys: z.string(),
  /** File of the 32 bytes under which the journal is sealed. */
  storageKey: z.string(),
  /** Folder of tokens under which devices, or at a primary server servers, will come: each file is taken in once, and removed. */
  enrolments: z.string(),
};

/** The primary trusted server, which the agency runs. */
export const primaryOfAgency = z.strictObject({
  ...server,
  primaryId: z.number().int().min(1).max(255),
  /** File of the 32 bytes of its private key. */
  privateKey: z.string(),
});

export const trustedServer = z.strictObject({
  party: z.literal('trusted-server'),
  ...party,
  ...server,
  url: z.url(),
  /** The primary server's URL. */
  primary: z.url(),
  /** File of the token under which the primary server knows this one; removed when there is a certificate. */
  token: z.string(),
  /** Where its people are let in who decide what only eyes can; beside the configuration a file says how. */
  control: listen.default({ host: '127.0.0.1', port: 0 }),
});

const hours = z
  .number()
  .min(0)
  .max(24 * 400);

/** A device that lets people in, or serves them, for tickets. */
const door = z.strictObject({
  /** What is taken off a ticket that is used up step by step, such as seconds. */
  units: z.number().int().min(0).max(0xffff_ffff).default(1),
  /** Whether codes on paper are taken. */
  paper: z.boolean().default(true),
  /** Names of issuers, and of events, carriers or titles; without them any will do. */
  issuers: z.array(z.string().min(1).max(120)).optional(),
  of: z.array(z.string().min(1).max(120)).optional(),
  /** How long before its time a ticket lets in; without it at any time before. */
  opensHours: hours.optional(),
  /** How long after its time. */
  closesHours: hours.default(12),
  /** How often it meets the network by itself. */
  refreshMinutes: z.number().min(0.1).max(1440).default(15),
  /** From which age on it says that its lists are too old. */
  listsHours: hours.default(24),
});

const field = z.string().min(1).max(60);

/** As `IssueRule` (src/trusted/authority) has it. */
const rule = z.strictObject({
  wanted: z.string().min(1).max(60),
  form: z.enum(['licence', 'corporate-seal', 'card', 'attestation']),
  fields: z.array(field).max(50),
  ages: z.array(z.strictObject({ name: field, from: field, years: z.number().int().min(0).max(150) })).optional(),
  validDays: z.number().int().min(1).max(36_500),
  /** Such as `25.00EUR`. */
  price: amountField.optional(),
  holders: z.array(z.enum(['customer', 'merchant', 'authority'])).optional(),
  /** The issuer by the number of its device. */
  evidence: z
    .array(
      z.strictObject({
        issuer: z.string().transform((text) => parseAgentId(text)),
        what: field,
        equal: z.array(z.strictObject({ shown: field, record: field })).min(1),
      }),
    )
    .optional(),
  renewalDays: z.number().int().min(0).optional(),
  remoteRenewals: z.number().int().min(0).optional(),
});

/** What an authority's device does by itself. */
const authority = z.strictObject({
  /** How it names itself, and what it issues. */
  name: z.string().min(1).max(120),
  issues: z.string().min(1).max(2000),
  /** Who gets the credential of a merchant, by the name of the device. */
  merchants: z.array(z.strictObject({ device: z.string(), name: z.string().min(1).max(120) })),
  /** What its server grants to whom; without any nobody acquires anything here. */
  rules: z.array(rule).max(50).default([]),
  /** File of the 32 bytes under which the journal of its server is sealed: its data base is full of people. */
  storageKey: z.string(),
});

/** The card network of trusted agents (`card-network.ts`). */
export const cardNetwork = z.strictObject({
  party: z.literal('card-network'),
  ...party,
  store,
  url: z.url(),
  /** Whose acquirer it asks. */
  operator: z.url(),
  /** File of the 32 bytes of its private key, and of those under which its journal is sealed. */
  privateKey: z.string(),
  storageKey: z.string(),
  primaryKeys: z.string(),
  /** A trusted server, which has newer lists, and how often it is asked. */
  server: z.url(),
  listsMinutes: z.number().min(0.1).max(1440).default(15),
  /** How long payments are kept, since so long they may be given back. */
  keepDays: z.number().int().min(30).max(3650).default(180),
});

/** What the operator has to say of it. */
export const acquiredCardNetwork = z.strictObject({
  /** In its certificate. */
  name: z.string().min(1).max(64),
  /** To which of the acquirer's merchants it is credited what a device sells, by the name in its credential; others are paid nothing by card. */
  acceptors: z
    .array(z.strictObject({ name: z.string().min(1).max(120), merchant: z.string().min(1).max(15) }))
    .max(10_000),
});

export const device = z.strictObject({
  party: z.literal('device'),
  ...party,
  store,
  url: z.url(),
  kind: z.enum(['customer', 'merchant', 'authority']),
  /** What the owner's PIN opens. */
  deviceFile: z.string(),
  /** File of the PIN, for a device that starts by itself; without it HANDSEL_PIN. */
  pin: z.string().optional(),
  primaryKeys: z.string(),
  /** The trusted server that certifies it, and the token under which it knows the device. */
  server: z.url(),
  token: z.string(),
  /** Loopback endpoint for the owner's own commands; its secret is written beside the configuration. */
  control: listen,
  /** Other devices by name: to whom tickets are given, and where they are presented. */
  devices: z.record(z.string(), z.url()).default({}),
  door: door.optional(),
  /** Of a merchant: where cards are authorised, and the network's compact key. */
  cards: z
    .strictObject({ network: z.url(), key: z.string().regex(/^[0-9a-f]{64}$/, 'a key of 64 hexadecimal digits') })
    .optional(),
  /** Of whoever is paid: whether a payer is to show a credential (US 5,671,280, claim 47). */
  till: z.strictObject({ wantsCredential: z.boolean() }).optional(),
  /** Of a merchant: file of what it sells, see `ticket-shop.ts`. */
  offers: z.string().optional(),
  authority: authority.optional(),
});
export type DoorConfiguration = z.infer<typeof door>;
