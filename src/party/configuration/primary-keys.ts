/** The keys of the primary trusted servers as they are built into devices and servers: a file that is the same everywhere, and public. */
import { z } from 'zod';
import { fromHex, toHex } from '../../codec/hex.ts';
import { foundingLists, type PrimaryKey, type TrustLists } from '../../trusted/message/trust-lists.ts';
import { readJsonFile } from './configuration.ts';

const schema = z
  .array(
    z.strictObject({
      primaryId: z.number().int().min(1).max(255),
      publicKey: z.string().regex(/^[0-9a-f]{64}$/, 'a key of 64 hexadecimal digits'),
      /** Days since 1970. */
      fromDay: z.number().int().min(0).max(0xffff),
    }),
  )
  .min(1)
  .max(16);

/** @throws ConfigurationError */
export function readPrimaryKeys(file: string): TrustLists {
  return foundingLists(readJsonFile(file, schema).map((key) => ({ ...key, publicKey: fromHex(key.publicKey) })));
}

export function primaryKeysText(keys: readonly PrimaryKey[]): string {
  return `${JSON.stringify(keys.map((key) => ({ ...key, publicKey: toHex(key.publicKey) })))}\n`;
}
