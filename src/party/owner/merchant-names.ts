/**
 * The merchants a person names, as their certificates spell them: the market knows who sells there, the configuration whom this
 * station was set up with. A limit on a merchant nobody knows would be no limit at all, so the person hears of it.
 */
import { type MerchantList, merchantListType, merchantsType } from '../../agent/message/hosting.ts';
import { decodeShape, type Signer, signMessage } from '../../crypto/signed-message.ts';
import type { Client } from '../../transport/client.ts';
import { TransportError } from '../../transport/transport-error.ts';

export interface Meant {
  /** In the order they were given; unknown ones as they were given. */
  readonly names: readonly string[];
  readonly unknown: readonly string[];
}

export interface KnownMerchants {
  /** Everybody who may be meant. */
  readonly all: MerchantList;
  /** Those who sell on the market now; empty while it cannot be asked. */
  readonly selling: MerchantList;
}

/** A difference of capital and small letters is none; the name a merchant calls itself by is taken too. */
export function meantMerchants(given: readonly string[], known: MerchantList): Meant {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const unknown: string[] = [];
  const names = given.map((name) => {
    if (known.some(({ id }) => id === name)) return name;
    const meant = known.filter((merchant) => same(merchant.id, name));
    const called = meant.length > 0 ? meant : known.filter((merchant) => same(merchant.name, name));
    if (called.length === 1) return called[0]!.id;
    unknown.push(name);
    return name;
  });
  return { names, unknown };
}

const ASK_MS = 5000;
const MOST_NAMED = 12;

/** Who sells on the market, and whom the station was set up with; the latter only while the market cannot be asked. */
export async function knownMerchants(options: {
  readonly client: Client;
  readonly signer: Signer;
  readonly market: string;
  /** Names of other parties by URL. */
  readonly peers: Readonly<Record<string, string>>;
  readonly nowMs: number;
}): Promise<KnownMerchants> {
  const { client, signer, market, peers, nowMs } = options;
  const configured = [...new Set(Object.values(peers))].map((name) => ({ id: name, name }));
  const body = signMessage(merchantsType, { atMs: nowMs }, signer);
  const message = { kind: 'merchants', contentType: 'application/cose', extension: 'cose', body };
  try {
    const answer = await client.post(`${market}/agent/merchants`, message, AbortSignal.timeout(ASK_MS));
    if (answer.status !== 200) return { all: configured, selling: [] };
    const selling = decodeShape(merchantListType, answer.body);
    const others = configured.filter(({ id }) => !selling.some((merchant) => merchant.id === id));
    return { all: [...selling, ...others], selling };
  } catch (error) {
    if (error instanceof TransportError) return { all: configured, selling: [] };
    throw error;
  }
}

export function unknownMerchantWarnings(
  { unknown }: Meant,
  option: string,
  { selling }: KnownMerchants,
): readonly string[] {
  const names = selling.slice(0, MOST_NAMED).map(({ id }) => id);
  const some =
    names.length > 0 ? `; on the market are ${names.join(', ')}${selling.length > names.length ? ', …' : ''}` : '';
  return unknown.map((name) => `${option} ${name}: no merchant of that name is known${some}`);
}
