/** How fast the DER codec writes and reads a small record shaped like a certificate. */
import {
  any,
  bitString,
  boolean,
  decodeDer,
  encodeDer,
  explicit,
  type Infer,
  integer,
  objectIdentifier,
  octetString,
  optional,
  printableString,
  sequence,
  sequenceOf,
  setOf,
  smallInteger,
  time,
  utf8String,
  withDefault,
} from '../src/codec/der.ts';
import type { Measurement } from './measurement.ts';

const algorithm = sequence({ algorithm: objectIdentifier(), parameters: optional(any()) });
const record = sequence({
  version: withDefault(explicit(0, smallInteger()), 0),
  serial: integer(),
  signature: algorithm,
  issuer: setOf(sequence({ type: objectIdentifier(), value: printableString() })),
  notBefore: time(),
  notAfter: time(),
  subject: utf8String(),
  key: bitString(),
  extensions: optional(
    explicit(
      3,
      sequenceOf(sequence({ id: objectIdentifier(), critical: withDefault(boolean(), false), value: octetString() })),
    ),
  ),
});

const value: Infer<typeof record> = {
  version: 2,
  serial: 0x1234567890abcdefn,
  signature: { algorithm: '1.2.840.10045.4.3.2' },
  issuer: [{ type: '2.5.4.3', value: 'Handsel Test Root' }],
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
  subject: 'merchant.example',
  key: { unused: 0, bytes: new Uint8Array(65).fill(7) },
  extensions: [{ id: '2.5.29.15', critical: true, value: new Uint8Array([3, 2, 6, 64]) }],
};

const ROUNDS = 9;
const CALLS = 40_000;

/** The median of several rounds, after as many rounds to warm up. */
function perSecond(call: () => void): number {
  const rates: number[] = [];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) call();
    if (round >= ROUNDS) rates.push((CALLS * 1000) / (performance.now() - start));
  }
  return Math.round(rates.sort((a, b) => a - b)[ROUNDS >> 1]!);
}

export async function benchDer(): Promise<Measurement[]> {
  const bytes = encodeDer(record, value);
  const figures = [
    { name: 'DER encode, certificate-like record', value: perSecond(() => encodeDer(record, value)), target: 250_000 },
    { name: 'DER decode, certificate-like record', value: perSecond(() => decodeDer(record, bytes)), target: 500_000 },
  ];
  return figures.map((figure) => ({
    ...figure,
    unit: 'records/s',
    better: 'higher' as const,
    met: figure.value >= figure.target,
  }));
}
