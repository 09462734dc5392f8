/** A party's communication identity (KPN-7: apart from its SET certificates): for TLS, for signing agent messages, for receiving sealed ones. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { fromPemLabelled } from '../../pki/pem.ts';
import { type Client, createClient } from '../../transport/client.ts';
import type { ClientTls, ServerTls } from '../../transport/tls.ts';
import { type CommunicationFiles, ConfigurationError } from '../configuration/configuration.ts';
import type { Surroundings } from './running-party.ts';

export interface CommunicationIdentity {
  /** Own certificate first. */
  readonly chain: readonly Certificate[];
  readonly privateKey: KeyObject;
  readonly anchors: readonly Certificate[];
  readonly clientTls: ClientTls;
  readonly serverTls: ServerTls;
}

/** The largest is a payment start with the whole way to its agreement. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
/** The largest is all the proposals of a market. */
const MAX_ANSWER_BYTES = 9 * 1024 * 1024;
const ANSWER_MS = 20_000;

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${file}: does it exist, and may this user read it?`, cause);
  }
}

/** The certificates of a PEM file, in order. @throws ConfigurationError */
export function readChain(file: string): readonly Certificate[] {
  const text = readText(file);
  try {
    return fromPemLabelled(text, 'CERTIFICATE').map((der) => readCertificate(der));
  } catch (cause) {
    throw new ConfigurationError(`${file} does not hold certificates in PEM: ${reasonOf(cause)}`, cause);
  }
}

const reasonOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

function readPrivateKey(file: string): KeyObject {
  const text = readText(file);
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new ConfigurationError(`${file} does not hold a private key in PEM`, cause);
  }
}

/** A private key with the chain it belongs to: its certificate first. @throws ConfigurationError that names both files */
export function readKeyOfChain(files: { readonly chain: string; readonly privateKey: string }): {
  readonly chain: readonly Certificate[];
  readonly privateKey: KeyObject;
} {
  const chain = readChain(files.chain);
  const privateKey = readPrivateKey(files.privateKey);
  if (!createPublicKey(privateKey).equals(chain[0]!.publicKey)) {
    throw new ConfigurationError(
      `the private key in ${files.privateKey} does not belong to the first certificate in ${files.chain}`,
    );
  }
  return { chain, privateKey };
}

export function readCommunication(
  files: CommunicationFiles,
  path: (relative: string) => string,
): CommunicationIdentity {
  const privateKeyPem = readText(path(files.privateKey));
  const certificateChainPem = readText(path(files.chain));
  const anchorsPem = readText(path(files.anchors));
  const identity = { certificateChainPem, privateKeyPem, anchorsPem };
  return {
    ...readKeyOfChain({ chain: path(files.chain), privateKey: path(files.privateKey) }),
    anchors: readChain(path(files.anchors)),
    clientTls: identity,
    serverTls: { ...identity, requireClient: true },
  };
}

/** The client a party asks others with. `peers` gives names to URLs, for traces only: who is there is what its certificate says. */
export function partyClient(options: {
  readonly name: string;
  readonly identity: CommunicationIdentity;
  readonly surroundings: Surroundings;
  readonly peers: Readonly<Record<string, string>>;
  /** To one party at once; default as the transport's. */
  readonly maxConnections?: number;
}): Client {
  const { name, identity, surroundings, peers, maxConnections } = options;
  const names = new Map(Object.entries(peers).map(([url, peer]) => [new URL(url).host, peer]));
  return createClient({
    name,
    tls: identity.clientTls,
    limits: {
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: ANSWER_MS,
      ...(maxConnections !== undefined && { maxConnections }),
    },
    nameOf: ({ host }) => names.get(host) ?? host,
    ...(surroundings.tracer && { tracer: surroundings.tracer }),
  });
}

/** Limits of a party's own server: messages are small, peers are other parties. */
export const SERVER_LIMITS = {
  maxBytes: MAX_MESSAGE_BYTES,
  timeoutMs: 15_000,
  perPeerPerSecond: 500,
  burst: 2000,
} as const;
