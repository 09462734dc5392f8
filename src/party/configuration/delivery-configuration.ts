/** The part of each party's configuration that secure delivery needs (src/delivery): without it a party has no part in it. */
import { z } from 'zod';

const name = z.string().min(1).max(64);
const seconds = (least: number) => z.number().int().min(least);
/** File of the 32 bytes under which keys of packages are sealed in the journals. */
const storageKey = z.string();
const place = z.strictObject({ name, url: z.url() });
/** Somebody to whom keys are sealed: its certificate, own first, as a PEM file. */
const sealedTo = z.strictObject({ name, url: z.url(), certificate: z.string() });

const listen = z.strictObject({ host: z.string().default('127.0.0.1'), port: z.number().int().min(0).max(65_535) });

/** An operator as the trusted party: keeps keys for its merchants, and says what its gateway charged. */
export const deliveryOfOperator = z.strictObject({
  storageKey,
  merchants: z.array(place),
  /** By name: who may ask for the keys of what is complained about. */
  arbiters: z.array(name).default([]),
  /** So long a merchant may take to pay back what was ruled, before it is paid back from its account. */
  refundGraceSeconds: seconds(0).default(7 * 24 * 3600),
  /** After so many of those within half a year nothing new of a merchant is taken. */
  maxUnfollowed: z.number().int().min(1).default(3),
});

export const deliveryOfMerchant = z.strictObject({
  storageKey,
  /** Must be the operator of the merchant's gateway: it says what was paid. */
  trustee: sealedTo,
  arbiters: z.array(name).default([]),
  packages: z.strictObject({
    /** Where packages and what belongs to them are kept; secret, because the keys are there too. */
    folder: z.string(),
    /** A plain web server for the package files: without it somebody else serves them. */
    listen: listen.optional(),
    /** Where customers get packages, ending in a slash: the digest with `.package` at the end is appended. */
    urls: z.array(z.url().max(400)).min(1).max(4),
  }),
  /** Complaints about words wait for what the merchant's people say, until shortly before the hearing ends. */
  answersInPerson: z.boolean().default(true),
  /** What is said to a complaint nobody answers in person. */
  statement: z.string().max(4000).optional(),
});

export const deliveryOfCustomer = z.strictObject({
  storageKey,
  /** Who may keep keys for merchants this customer buys from. */
  trustees: z.array(place).min(1),
  arbiter: sealedTo.optional(),
  /** Where packages are kept until they are opened. */
  packages: z.string(),
  /** After these the next one is asked: the operator what it charged, the trustee for the key, the arbiter. */
  paymentWaitSeconds: seconds(1).default(30),
  releaseWaitSeconds: seconds(1).default(30),
  claimWaitSeconds: seconds(1).default(24 * 3600),
});

/** Of an arbiter. */
export const arbitration = {
  storageKey,
  /** Where packages are opened for whoever has to look. */
  cases: z.string(),
  /** Trustees, and the merchants whose gateways they run. */
  trustees: z.array(z.strictObject({ name, url: z.url(), merchants: z.array(place) })),
  trusteeWaitSeconds: seconds(1).default(24 * 3600),
  hearingSeconds: seconds(1).default(7 * 24 * 3600),
};

export type OperatorDelivery = z.infer<typeof deliveryOfOperator>;
export type MerchantDelivery = z.infer<typeof deliveryOfMerchant>;
export type CustomerDelivery = z.infer<typeof deliveryOfCustomer>;
