/**
 * Counts the cryptographic primitives that a piece of work executes, and measures just those bare: signatures, key agreements, the
 * making of ephemeral keys, the reading and checking of their points, the derivation of keys, authenticated encryption, key wrapping, hashes and MACs.
 */
import crypto, {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  hash,
  hkdfSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { exportPoint, importPoint } from '../src/crypto/agreement.ts';

export type Primitive =
  | 'sign'
  | 'verify'
  | 'ephemeral key'
  | 'point'
  | 'agreement'
  | 'derivation'
  | 'encrypt'
  | 'decrypt'
  | 'wrap'
  | 'unwrap'
  | 'hash'
  | 'mac';

export type PrimitiveCounts = Map<Primitive, number>;

type AnyCall = (...args: unknown[]) => unknown;

const isWrap = (algorithm: unknown): boolean => String(algorithm).includes('wrap');

/** Which primitive a call of one of Node's functions is. */
const primitiveOf: Readonly<Record<string, (algorithm: unknown) => Primitive>> = {
  sign: () => 'sign',
  verify: () => 'verify',
  generateKeyPairSync: () => 'ephemeral key',
  // What compact keys are made with, whose randomness a machine gives.
  createECDH: () => 'ephemeral key',
  hkdfSync: () => 'derivation',
  createPublicKey: () => 'point',
  diffieHellman: () => 'agreement',
  createHmac: () => 'mac',
  hash: () => 'hash',
  createHash: () => 'hash',
  createCipheriv: (algorithm) => (isWrap(algorithm) ? 'wrap' : 'encrypt'),
  createDecipheriv: (algorithm) => (isWrap(algorithm) ? 'unwrap' : 'decrypt'),
};

/** Node's functions keep their behaviour while they are counted. */
export async function countPrimitives(work: () => Promise<void>): Promise<PrimitiveCounts> {
  const counts: PrimitiveCounts = new Map();
  const count = (primitive: Primitive) => counts.set(primitive, (counts.get(primitive) ?? 0) + 1);
  const table = crypto as unknown as Record<string, AnyCall>;
  const originals = new Map(Object.keys(primitiveOf).map((name) => [name, table[name]!]));
  for (const [name, original] of originals) {
    table[name] = (...args) => {
      count(primitiveOf[name]!(args[0]));
      const made = original(...args);
      return name === 'createECDH' ? counted(made as ECDH, count) : made;
    };
  }
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    Object.assign(table, Object.fromEntries(originals));
    syncBuiltinESMExports();
  }
  return counts;
}

/** Its agreement reads the other side's point. */
function counted(ecdh: ECDH, count: (primitive: Primitive) => void): ECDH {
  const computeSecret = ecdh.computeSecret.bind(ecdh) as AnyCall;
  return Object.assign(ecdh, {
    computeSecret(...args: unknown[]) {
      count('point');
      count('agreement');
      return computeSecret(...args);
    },
  });
}

const ROUNDS = 9;
const REPEATS = 40;

/** The length of a typical SET text that is signed or sealed. */
const TEXT = randomBytes(1024);

/** Keys in use by turns, as the parties of a purchase have their own. */
const HOLDERS = 8;

/** Microseconds that the primitives counted take bare, one after the other as in the work itself: median of rounds. */
export function measurePrimitives(counts: PrimitiveCounts): number {
  const calls = inTurns(counts, Array.from({ length: HOLDERS }, bareCalls));
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < REPEATS; i++) for (const call of calls) call();
    if (round > 0) rounds.push(((performance.now() - start) * 1000) / REPEATS);
  }
  return rounds.toSorted((a, b) => a - b)[rounds.length >> 1]!;
}

/** Spread out: each primitive at even distances, each call with the next holder's keys. */
function inTurns(counts: PrimitiveCounts, holders: readonly Record<Primitive, () => unknown>[]): (() => unknown)[] {
  const placed = [...counts].flatMap(([primitive, count]) =>
    Array.from({ length: count }, (_, index) => ({ primitive, at: (index + 0.5) / count })),
  );
  const ordered = placed.toSorted((a, b) => a.at - b.at);
  return ordered.map(({ primitive }, index) => holders[index % holders.length]![primitive]);
}

/** Each primitive in the way the crypto suite calls it. */
function bareCalls(): Record<Primitive, () => unknown> {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signature = sign('sha256', TEXT, own.privateKey);
  const point = exportPoint(other.publicKey);
  const [key, nonce, iv] = [randomBytes(32), randomBytes(12), Buffer.alloc(8, 0xa6)];
  // Who seals agrees with a key made for it, who opens with a key just read: new ones cost more than those in use.
  const agreements: (() => Buffer)[] = [];
  const agreeAtRest = () => diffieHellman({ privateKey: own.privateKey, publicKey: other.publicKey });
  const sealed = encrypt(key, nonce);
  const wrapped = wrap(key, iv);
  return {
    sign: () => sign('sha256', TEXT, own.privateKey),
    verify: () => verify('sha256', TEXT, own.publicKey, signature),
    'ephemeral key': () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      agreements.push(() => diffieHellman({ privateKey, publicKey: other.publicKey }));
      return exportPoint(publicKey);
    },
    point: () => {
      const publicKey = importPoint(point);
      agreements.push(() => diffieHellman({ privateKey: own.privateKey, publicKey }));
    },
    agreement: () => (agreements.pop() ?? agreeAtRest)(),
    derivation: () => hkdfSync('sha256', createSecretKey(key), key, TEXT.subarray(0, 64), 128),
    encrypt: () => encrypt(key, nonce),
    decrypt: () => decrypt(key, nonce, sealed),
    wrap: () => wrap(key, iv),
    unwrap: () => unwrap(key, iv, wrapped),
    hash: () => hash('sha256', TEXT, 'binary'),
    mac: () => createHmac('sha256', createSecretKey(key)).update(TEXT.subarray(0, 64)).digest(),
  };
}

function encrypt(key: Uint8Array, nonce: Buffer): { readonly text: Buffer; readonly tag: Buffer } {
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce);
  const text = Buffer.concat([cipher.update(TEXT), cipher.final()]);
  return { text, tag: cipher.getAuthTag() };
}

function decrypt(key: Uint8Array, nonce: Buffer, { text, tag }: ReturnType<typeof encrypt>): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), nonce);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(text), decipher.final()]);
}

function wrap(key: Uint8Array, iv: Buffer): Buffer {
  const cipher = createCipheriv('id-aes256-wrap', createSecretKey(key), iv);
  return Buffer.concat([cipher.update(TEXT.subarray(0, 32)), cipher.final()]);
}

function unwrap(key: Uint8Array, iv: Buffer, wrapped: Buffer): Buffer {
  const decipher = createDecipheriv('id-aes256-wrap', createSecretKey(key), iv);
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}
