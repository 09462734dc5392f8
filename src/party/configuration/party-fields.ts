/** Parts that the configurations of all kinds of parties have in common. */
import { z } from 'zod';

export const listen = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 = any free port: for tests only, because peers find each other by URL. */
  port: z.number().int().min(0).max(65_535),
});

/** The party's communication certificate (chain, own first), its key, and the anchors it trusts peers under; PEM files. */
const communication = z.strictObject({ chain: z.string(), privateKey: z.string(), anchors: z.string() });

export const store = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sqlite'), directory: z.string() }),
  z.strictObject({ kind: z.literal('postgres'), connection: z.string() }),
]);

export const party = {
  name: z.string().min(1).max(64),
  listen,
  communication,
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Names of other parties by URL, for traces; whom to trust is never read from here. */
  peers: z.record(z.url(), z.string()).default({}),
};

export type CommunicationFiles = z.infer<typeof communication>;
export type StoreConfiguration = z.infer<typeof store>;
