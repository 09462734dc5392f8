/** Makes the billing adapters an operator's configuration names. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { pathToFileURL } from 'node:url';
import type { BillingAdapter } from '../../billing/book/billing-adapter.ts';
import { csvFiles } from '../../billing/files/csv-files.ts';
import { iso20022Files } from '../../billing/files/iso20022-files.ts';
import type { Bank } from '../../billing/iso20022/bank.ts';
import { webhookAdapter } from '../../billing/webhook/deliver-webhook.ts';
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { createClient } from '../../transport/client.ts';
import type { Log } from '../../transport/log.ts';
import type { AdapterConfiguration } from '../configuration/billing-configuration.ts';
import { ConfigurationError } from '../configuration/configuration.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { CommunicationIdentity } from '../running/communication.ts';

/** What a module of the operator's own is given. */
export interface AdapterContext {
  /** The operator. */
  readonly operator: string;
  /** IANA name of the business day's time zone. */
  readonly timeZone: string;
  /** As the configuration has them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Paths relative to the configuration file. */
  path(relative: string): string;
  readonly log: Log;
}

export interface AdapterSurroundings {
  readonly bank: Bank;
  readonly timeZone: string;
  readonly dayOf: (atMs: number) => string;
  readonly identity: CommunicationIdentity;
  readonly path: (relative: string) => string;
  readonly nowMs: () => number;
  readonly log: Log;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** @throws ConfigurationError */
export async function makeAdapter(adapter: AdapterConfiguration, around: AdapterSurroundings): Promise<BillingAdapter> {
  const { bank, dayOf, path } = around;
  switch (adapter.kind) {
    case 'csv':
      makeFolder(path(adapter.directory));
      return csvFiles(path(adapter.directory));
    case 'iso20022':
      makeFolder(path(adapter.directory));
      return iso20022Files({ directory: path(adapter.directory), messages: adapter.messages, bank, dayOf });
    case 'webhook':
      return webhookTo(adapter, around);
    case 'module':
      return ownAdapter(adapter, around);
  }
}

function webhookTo(
  { url, anchors, timeoutSeconds }: Extract<AdapterConfiguration, { kind: 'webhook' }>,
  { bank, identity, path, nowMs }: AdapterSurroundings,
): BillingAdapter {
  const anchorsPem = anchors === undefined ? rootCertificates.join('\n') : readAnchors(path(anchors));
  const client = createClient({
    name: bank.name,
    ...(url.startsWith('https:') ? { tls: { anchorsPem } } : {}),
    limits: { maxBytes: MAX_ANSWER_BYTES, timeoutMs: timeoutSeconds * 1000 },
  });
  const keyId = toHex(sha256(identity.chain[0]!.der));
  const adapter = webhookAdapter({ url, client, privateKey: identity.privateKey, keyId, nowMs });
  return { ...adapter, close: () => client.close() };
}

function readAnchors(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${file}: does it exist, and may this user read it?`, cause);
  }
}

async function ownAdapter(
  { name, file, options }: Extract<AdapterConfiguration, { kind: 'module' }>,
  { bank, timeZone, path, log }: AdapterSurroundings,
): Promise<BillingAdapter> {
  const context: AdapterContext = {
    ...{ operator: bank.name, timeZone, options, path },
    log: log.child({ adapter: name }),
  };
  const made = await callExport(path(file), 'createBillingAdapter', context);
  if (!isAdapter(made)) throw new ConfigurationError(`${path(file)}: createBillingAdapter made nothing with a "take"`);
  return made;
}

/** @throws ConfigurationError that names the file, and what is wrong with it */
export async function callExport(file: string, name: string, context: unknown): Promise<unknown> {
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new ConfigurationError(`cannot load ${file}: ${cause instanceof Error ? cause.message : ''}`, cause);
  }
  const make = exported[name];
  if (typeof make !== 'function') throw new ConfigurationError(`${file} exports no function "${name}"`);
  try {
    return await (make as (given: unknown) => unknown)(context);
  } catch (cause) {
    throw new ConfigurationError(`${file}: ${name} failed: ${cause instanceof Error ? cause.message : ''}`, cause);
  }
}

function isAdapter(made: unknown): made is BillingAdapter {
  return typeof made === 'object' && made !== null && 'take' in made && typeof made.take === 'function';
}
