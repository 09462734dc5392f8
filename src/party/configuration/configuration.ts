/**
 * The configuration file of each party, parsed once at the door. Relative paths are relative to the file itself, so that a
 * folder with a configuration, keys and a store can be moved to another machine as it is.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { HandselError } from '../../handsel-error.ts';
import { accounts, billing } from './billing-configuration.ts';
import { arbitration, deliveryOfCustomer, deliveryOfMerchant, deliveryOfOperator } from './delivery-configuration.ts';
import { type CommunicationFiles, listen, party, type StoreConfiguration, store } from './party-fields.ts';
import { acquiredCardNetwork, cardNetwork, device, primaryOfAgency, trustedServer } from './trusted-configuration.ts';

const MAX_BYTES = 1 << 20;

/** A SET key pair: certificate chain (own first) and private key; PEM files. */
const setKey = z.strictObject({ chain: z.string(), privateKey: z.string() });

/** What a SET party needs to check others: the trusted root, the brand's BCI and the CRLs it lists, as files kept fresh. */
const setTrust = z.strictObject({
  root: z.string(),
  brandCrlIdentifier: z.string(),
  revocationLists: z.string(),
  /** Certificates of those who signed them, and of their issuers (PEM). */
  authorities: z.string(),
  /** A BCI older than this is not relied on (notes on SET, fix 18). */
  maxAgeSeconds: z
    .number()
    .int()
    .positive()
    .default(30 * 24 * 3600),
  /** Where newer ones are fetched: the agency's URL. Without it, somebody else keeps the files fresh. */
  agency: z.url().optional(),
});

export const minor = z.string().regex(/^\d{1,15}$/, 'an amount in minor units, as digits');
const bin = z.string().regex(/^\d{6}$/, 'six digits');
const institution = z.string().regex(/^\d{6,11}$/, 'an institution number of 6 to 11 digits');
export const currency = z.string().regex(/^[A-Z]{3}$/, 'a currency code of ISO 4217');

const agency = z.strictObject({
  party: z.literal('agency'),
  ...party,
  /** The agency's state and keys, as `set/authority` writes them. */
  directory: z.string(),
  /** What the agency publishes: certificates, revocation lists and identifiers, a folder a brand. */
  published: z.string(),
  /** File of the password the keys are sealed under; without it they are plain files for their owner's eyes only. */
  password: z.string().optional(),
  trusted: primaryOfAgency.optional(),
});

/** One of the parts that an operator's accounts for deposits are cut into (docs/scale.md). */
const shard = z.strictObject({
  /** Where the operator's process finds it; by default a free port beside the operator. */
  listen: listen.optional(),
  /** Of its own; by default the operator's. */
  store: store.optional(),
  /** Somebody else runs it, with `handsel run operator --shard NUMBER`: `listen` says where. */
  elsewhere: z.boolean().default(false),
});

const partyName = z.string().regex(/^[^.:\s]{1,64}$/, 'a name without dots, colons and spaces');
const nanoPrice = z.string().regex(/^\d{1,9}(\.\d{1,9})? ?[A-Z]{3}$/, 'a price such as 0.0004 EUR');

/** Deposits (src/deposit): without it an operator has no part in them. */
const depositsOfOperator = z.strictObject({
  /** Where others reach this operator. */
  url: z.url(),
  /** Whose accounts are kept here; `creditMinor` is how far below nothing the account may go. */
  customers: z.array(z.strictObject({ name: partyName, currency, creditMinor: minor.default('0') })),
  merchants: z.array(z.strictObject({ name: partyName, currency, url: z.url() })),
  /** The other operators, and how much they may owe us, and we them. */
  operators: z.array(
    z.strictObject({
      name: partyName,
      url: z.url(),
      limits: z.array(z.strictObject({ currency, theyMayOweMinor: minor, weMayOweMinor: minor.optional() })),
    }),
  ),
  /** The bank's own table: what one unit of `from` buys of `to`. */
  rates: z.array(z.strictObject({ from: currency, to: currency, rate: z.string() })).default([]),
  /** How long a table given out counts. */
  ratesLifespanSeconds: z.number().int().min(60).default(3600),
  /** How long the other side's record of a deposit is waited for before one side's evidence decides. */
  recordWaitSeconds: z.number().int().min(1).default(3600),
  /** For ever as many as there were at the first start. */
  shards: z
    .array(shard)
    .min(1)
    .max(256)
    .refine((shards) => shards.every(({ elsewhere, listen: at }) => !elsewhere || (at?.port ?? 0) !== 0), {
      error: 'a shard that runs elsewhere needs a `listen` with its port',
    })
    .optional(),
  billing: billing.prefault({}),
  accounts: accounts.default({ kind: 'ledger' }),
  /** How often we pay what we owe other operators. */
  settleEverySeconds: z
    .number()
    .int()
    .min(1)
    .default(24 * 3600),
});

const operator = z.strictObject({
  party: z.literal('operator'),
  ...party,
  store,
  brand: z.string(),
  /** Currencies in which this operator settles with others. */
  currencies: z.array(currency).min(1),
  gateway: z.strictObject({
    gatewayId: z.string().min(1).max(64),
    signature: setKey,
    encryption: setKey,
    trust: setTrust,
    /** File of the 32 bytes under which card data in the journals is sealed. */
    storageKey: z.string(),
  }),
  acquirer: z.strictObject({
    id: institution,
    /** How merchants appear in the network, by the currencies they are credited in. */
    merchants: z.array(z.strictObject({ id: z.string().min(1).max(15), currencies: z.array(currency).min(1) })),
  }),
  issuer: z.strictObject({
    id: institution,
    bin,
    /** File of the 32 bytes under which card numbers are indexed. */
    panKey: z.string(),
    /** File of the cards this operator issued; it holds card numbers and is kept as a secret. */
    cards: z.string(),
    /** What one unit of a merchant's currency costs in the currency of an account, e.g. `0.92`. */
    rates: z.array(z.strictObject({ from: currency, to: currency, rate: z.string() })).default([]),
  }),
  interchange: z.strictObject({
    /** Where this operator's access server listens for other operators (ISO 8583 over TCP and TLS). */
    listen,
    /** The other operators. */
    operators: z.array(
      z.strictObject({
        name: z.string().min(1).max(64),
        host: z.string(),
        port: z.number().int().min(1).max(65_535),
        bin,
        acquirerId: institution,
        issuerId: institution,
      }),
    ),
    /**
     * How long after its last charge a closed batch waits before it is settled: longer than a gateway that gave up on an answer
     * may go on asking for the charge to be reversed.
     */
    reversalSeconds: z.number().int().min(0).default(900),
    /** How often this operator, as acquirer, settles with the issuers. */
    settleEverySeconds: z
      .number()
      .int()
      .min(1)
      .default(24 * 3600),
  }),
  deposits: depositsOfOperator.optional(),
  cardNetwork: acquiredCardNetwork.optional(),
  delivery: deliveryOfOperator.optional(),
});

/** Routes that are paid for one request at a time, on a listener of their own that asks clients for no certificate. */
const paid = z.strictObject({
  listen,
  /** Where customers reach it. */
  url: z.url(),
  operator: z.strictObject({ name: partyName, url: z.url() }),
  unit: z.strictObject({ currency, nano: z.number().int().min(1).max(1_000_000_000_000) }),
  /** Of one lookup: a whole number of units. */
  price: nanoPrice,
  /** Files of 32 bytes: for the keys of deposits, and for challenges. */
  storageKey: z.string(),
  challengeKey: z.string(),
});

const merchant = z.strictObject({
  party: z.literal('merchant'),
  ...party,
  store,
  /** Where others reach this party. */
  url: z.url(),
  merchantId: z.string().min(1).max(30),
  brand: z.string(),
  signature: setKey,
  encryption: setKey,
  trust: setTrust,
  gateway: z.strictObject({ url: z.url(), signature: z.string(), encryption: z.string() }),
  catalogue: z.string(),
  /** Certifies the merchant's agents on the market. */
  agentAuthority: setKey,
  market: z.string().optional(),
  paid: paid.optional(),
  delivery: deliveryOfMerchant.optional(),
});

/** How a customer pays out of deposits. */
const depositsOfCustomer = z.strictObject({
  operator: z.strictObject({ name: partyName, url: z.url() }),
  /** Of the account there. */
  currency,
  storageKey: z.string(),
  /** What all deposits together may cost, unless a command names another limit. */
  limitMinor: minor,
  /** What one deposit sets aside, and what one request may cost at most, unless a command says so. */
  depositMinor: minor,
  maxPrice: nanoPrice,
  idleSeconds: z.number().int().min(1).default(600),
  lengthSeconds: z
    .number()
    .int()
    .min(60)
    .default(24 * 3600),
});

const market = z.strictObject({ party: z.literal('market'), ...party, store, url: z.url(), sealingKey: z.string() });

const customer = z.strictObject({
  party: z.literal('customer'),
  ...party,
  store,
  url: z.url(),
  brand: z.string(),
  trust: setTrust,
  market: z.string(),
  agentAuthority: setKey,
  wallet: z.string(),
  sealingKey: z.string(),
  /** Where bought goods and receipts are put. */
  purchases: z.string(),
  /** Loopback endpoint for the person's own commands; its secret is written beside the configuration. */
  control: listen,
  deposits: depositsOfCustomer.optional(),
  delivery: deliveryOfCustomer.optional(),
});

const arbiter = z.strictObject({ party: z.literal('arbiter'), ...party, store, url: z.url(), ...arbitration });

const schemas = {
  agency,
  operator,
  merchant,
  market,
  arbiter,
  customer,
  'trusted-server': trustedServer,
  'card-network': cardNetwork,
  device,
};

export type AgencyConfiguration = z.infer<typeof agency>;
export type OperatorConfiguration = z.infer<typeof operator>;
export type MerchantConfiguration = z.infer<typeof merchant>;
export type MarketConfiguration = z.infer<typeof market>;
export type ArbiterConfiguration = z.infer<typeof arbiter>;
export type CustomerConfiguration = z.infer<typeof customer>;
export type OperatorDeposits = z.infer<typeof depositsOfOperator>;
export type PaidRoutesConfiguration = z.infer<typeof paid>;
export type CustomerDeposits = z.infer<typeof depositsOfCustomer>;
export type DeviceConfiguration = z.infer<typeof device>;
export type PartyKind = keyof typeof schemas;
export type { CommunicationFiles };
export type SetTrustFiles = z.infer<typeof setTrust>;
export type SetKeyFiles = z.infer<typeof setKey>;
export type { StoreConfiguration };

export class ConfigurationError extends HandselError {
  constructor(message: string, cause?: unknown) {
    super('CONFIGURATION_INVALID', message, { cause });
  }
}

/** Reads JSON of bounded size against a schema. @throws ConfigurationError that names file, place and what was expected. */
export function readJsonFile<T>(file: string, schema: z.ZodType<T>): T {
  return parseJson(file, readJson(file), schema);
}

function readJson(file: string): unknown {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${file}: does it exist, and may this user read it?`, cause);
  }
  if (text.length > MAX_BYTES) throw new ConfigurationError(`${file} is larger than ${MAX_BYTES} bytes`);
  try {
    return JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new ConfigurationError(`${file} is not JSON: ${cause instanceof Error ? cause.message : ''}`, cause);
  }
}

function parseJson<T>(file: string, json: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new ConfigurationError(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The configuration a person means: for a party's folder the file in it. */
export function configurationFile(named: string): string {
  // Called from programs of others, too, which nothing has checked.
  if (typeof named !== 'string') throw new ConfigurationError("say which configuration: config: 'my-network/bakery'");
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? join(named, 'party.json') : named;
}

const kindOnly = z.object({ party: z.string() });

export function readConfiguration<K extends PartyKind>(
  kind: K,
  file: string,
): { readonly configuration: z.infer<(typeof schemas)[K]>; path(relative: string): string } {
  const directory = dirname(resolve(file));
  const json = readJson(file);
  // One line, where the schema would object to nearly everything in the file.
  const stated = kindOnly.safeParse(json).data?.party;
  if (stated !== undefined && stated !== kind && Object.hasOwn(schemas, stated)) {
    throw new ConfigurationError(`${file} is the configuration of another kind of party: ${stated}, not ${kind}`);
  }
  const configuration = parseJson(file, json, schemas[kind] as unknown as z.ZodType<z.infer<(typeof schemas)[K]>>);
  return { configuration, path: (relative) => resolve(directory, relative) };
}

/** What kind of party a configuration is of; undefined where it does not say, or cannot be read. */
export function statedKind(file: string): PartyKind | undefined {
  try {
    const stated = kindOnly.safeParse(readJson(file)).data?.party;
    return stated !== undefined && Object.hasOwn(schemas, stated) ? (stated as PartyKind) : undefined;
  } catch {
    return undefined;
  }
}
