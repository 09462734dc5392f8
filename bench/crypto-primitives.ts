/**
 * Counts the cryptographic primitives that a piece of work executes, and measures each of them bare. Signatures, key agreements,
 * the making of ephemeral keys, the reading and
 * checking of their points, authenticated encryption, key wrapping and MACs count; hashing does not, so the sum is a lower bound.
 */
import crypto, {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
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
  | 'encrypt'
  | 'decrypt'
  | 'wrap'
  | 'unwrap'
  | 'mac';

export type PrimitiveCounts = Map<Primitive, number>;

type AnyCall = (...args: unknown[]) => unknown;

const isWrap = (algorithm: unknown): boolean => String(algorithm).includes('wrap');

/** Which primitive a call of one of Node's functions is. */
const primitiveOf: Readonly<Record<string, (algorithm: unknown) => Primitive>> = {
  sign: () => 'sign',
  verify: () => 'verify',
  generateKeyPairSync: () => 'ephemeral key',
  createPublicKey: () => 'point',
  diffieHellman: () => 'agreement',
  createHmac: () => 'mac',
  createCipheriv: (algorithm) => (isWrap(algorithm) ? 'wrap' : 'encrypt'),
  createDecipheriv: (algorithm) => (isWrap(algorithm) ? 'unwrap' : 'decrypt'),
};

/** Node's functions keep their behaviour while they are counted. */
export async function countPrimitives(work: () => Promise<void>): Promise<PrimitiveCounts> {
  const counts: PrimitiveCounts = new Map();
  const table = crypto as unknown as Record<string, AnyCall>;
  const originals = new Map(Object.keys(primitiveOf).map((name) => [name, table[name]!]));
  for (const [name, original] of originals) {
    table[name] = (...args) => {
      const primitive = primitiveOf[name]!(args[0]);
      counts.set(primitive, (counts.get(primitive) ?? 0) + 1);
      return original(...args);
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

/** The length of a typical SET text that is signed or sealed. */
const TEXT = randomBytes(1024);

/** Microseconds of each primitive alone, in the way the crypto suite calls it: median of rounds. */
export function measurePrimitives(): Map<Primitive, number> {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signature = sign('sha256', TEXT, own.privateKey);
  const point = exportPoint(other.publicKey);
  const [key, nonce, iv] = [createSecretKey(randomBytes(32)), randomBytes(12), Buffer.alloc(8, 0xa6)];
  const sealed = encrypt(key, nonce);
  const wrapped = wrap(key, iv);

  const bare: Record<Primitive, () => unknown> = {
    sign: () => sign('sha256', TEXT, own.privateKey),
    verify: () => verify('sha256', TEXT, own.publicKey, signature),
    'ephemeral key': () => exportPoint(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
    point: () => importPoint(point),
    agreement: () => diffieHellman({ privateKey: own.privateKey, publicKey: other.publicKey }),
    encrypt: () => encrypt(key, nonce),
    decrypt: () => decrypt(key, nonce, sealed),
    wrap: () => wrap(key, iv),
    unwrap: () => unwrap(key, iv, wrapped),
    mac: () => createHmac('sha256', key).update(TEXT.subarray(0, 64)).digest(),
  };
  return new Map(Object.entries(bare).map(([name, call]) => [name as Primitive, medianMicroseconds(call)]));
}

function encrypt(key: KeyObject, nonce: Buffer): { readonly text: Buffer; readonly tag: Buffer } {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const text = Buffer.concat([cipher.update(TEXT), cipher.final()]);
  return { text, tag: cipher.getAuthTag() };
}

function decrypt(key: KeyObject, nonce: Buffer, { text, tag }: ReturnType<typeof encrypt>): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(text), decipher.final()]);
}

function wrap(key: KeyObject, iv: Buffer): Buffer {
  const cipher = createCipheriv('id-aes256-wrap', key, iv);
  return Buffer.concat([cipher.update(TEXT.subarray(0, 32)), cipher.final()]);
}

function unwrap(key: KeyObject, iv: Buffer, wrapped: Buffer): Buffer {
  const decipher = createDecipheriv('id-aes256-wrap', key, iv);
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}

const ROUNDS = 9;
const CALLS = 400;

function medianMicroseconds(call: () => unknown): number {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) call();
    if (round > 0) rounds.push(((performance.now() - start) * 1000) / CALLS);
  }
  return rounds.toSorted((a, b) => a - b)[rounds.length >> 1]!;
}
