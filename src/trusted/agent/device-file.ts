/**
 * What opens a transaction device (US 5,671,280, "personalized by its owner via biometrics or secrets"): the key of its sealed journal, under
 * the owner's PIN by scrypt, with a count of tries that is lowered on disk before each one. Who loses the PIN has a recovery code.
 *
 * WARNING: the count stops guessing through the device. Whoever copies this file guesses elsewhere, at the price of one scrypt a guess: a
 * PIN of six digits then holds for days, not for ever. Only hardware can promise more.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, type Shaped, whole } from '../../codec/shape.ts';
import { openAtRest, type ScryptCost, sealAtRest } from '../../crypto/key-at-rest.ts';
import type { Random } from '../../crypto/random.ts';
import { SEALING_KEY_LENGTH } from '../../crypto/sealing.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { TrustedError } from '../message/trusted-error.ts';

/** Where the few bytes are kept. A write replaces them durably and as a whole. */
export interface DeviceFile {
  read(): Promise<Uint8Array | undefined>;
  write(content: Uint8Array): Promise<void>;
}

const sealed = () => bytes({ min: 1, max: 1024 });
const contentShape = row({
  version: whole({ min: 1, max: 1 }),
  triesLeft: whole({ max: 255 }),
  byPin: sealed(),
  byCode: sealed(),
});
type Content = Shaped<typeof contentShape>;

const PIN_PURPOSE = 'trusted device, PIN';
const CODE_PURPOSE = 'trusted device, recovery code';
/** About 200 ms and 128 MB a guess. */
const PIN_COST: ScryptCost = { logN: 17 };
/** Of 125 random bits: nobody guesses it, however fast. */
const CODE_COST: ScryptCost = { logN: 10 };
const CODE_LETTERS = 25;
/** Without letters that look like others. */
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

export const maxPinTries = 5;

interface PinOptions {
  readonly file: DeviceFile;
  readonly random: Random;
  /** For tests; default as above. */
  readonly cost?: ScryptCost;
}

/** Personalises a device. The code is told once and kept nowhere. @throws TrustedError `DEVICE_FILE_DAMAGED` when there is a device already */
export async function createDeviceFile(options: PinOptions & { readonly pin: string }) {
  const { file, random } = options;
  if ((await file.read()) !== undefined) throw damaged('there is a device already');
  const journalKey = random(SEALING_KEY_LENGTH);
  const recoveryCode = newCode(random);
  await write(file, {
    ...{ version: 1, triesLeft: maxPinTries, byPin: sealByPin(journalKey, options) },
    byCode: sealAtRest({ secret: journalKey, password: recoveryCode, purpose: CODE_PURPOSE, random, cost: CODE_COST }),
  });
  return { journalKey, recoveryCode };
}

/**
 * The journal's key.
 * @throws TrustedError `PIN_WRONG` (its detail says how many tries are left), `DEVICE_LOCKED` or `DEVICE_FILE_DAMAGED`
 */
export async function openDeviceFile({
  file,
  pin,
}: {
  readonly file: DeviceFile;
  readonly pin: string;
}): Promise<Uint8Array> {
  const content = await read(file);
  const triesLeft = content.triesLeft - 1;
  if (triesLeft < 0) throw new TrustedError('DEVICE_LOCKED', 'too many wrong PINs: the recovery code opens the device');
  // First: a device that is switched off during the try has used it up.
  await write(file, { ...content, triesLeft });
  let journalKey: Uint8Array;
  try {
    journalKey = openAtRest({ sealed: content.byPin, password: pin, purpose: PIN_PURPOSE });
  } catch (cause) {
    if (!(cause instanceof CryptographicError)) throw cause;
    throw new TrustedError('PIN_WRONG', `a wrong PIN: ${triesLeft} more tries`, { detail: { triesLeft } });
  }
  await write(file, { ...content, triesLeft: maxPinTries });
  return journalKey;
}

/** A new PIN, and the tries back. @throws TrustedError `PIN_WRONG` for a wrong code, `DEVICE_FILE_DAMAGED` */
export async function recoverDeviceFile(
  options: PinOptions & { readonly recoveryCode: string; readonly newPin: string },
): Promise<void> {
  const { file, recoveryCode, newPin } = options;
  const content = await read(file);
  try {
    const password = recoveryCode.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
    const journalKey = openAtRest({ sealed: content.byCode, password: withDashes(password), purpose: CODE_PURPOSE });
    await write(file, {
      ...content,
      triesLeft: maxPinTries,
      byPin: sealByPin(journalKey, { ...options, pin: newPin }),
    });
  } catch (cause) {
    if (!(cause instanceof CryptographicError)) throw cause;
    throw new TrustedError('PIN_WRONG', 'a wrong recovery code');
  }
}

function sealByPin(
  secret: Uint8Array,
  { pin, random, cost = PIN_COST }: Omit<PinOptions, 'file'> & { readonly pin: string },
) {
  if (pin.length < 4 || pin.length > 64) throw new TrustedError('PIN_WRONG', 'a PIN has 4 to 64 characters');
  return sealAtRest({ secret, password: pin, purpose: PIN_PURPOSE, random, cost });
}

function newCode(random: Random): string {
  return withDashes(Array.from(random(CODE_LETTERS), (byte) => alphabet[byte % alphabet.length]).join(''));
}

const withDashes = (letters: string) => letters.match(/.{1,5}/g)?.join('-') ?? '';

const write = (file: DeviceFile, content: Content) => file.write(encodeCbor(contentShape.encode(content)));

async function read(file: DeviceFile): Promise<Content> {
  const content = await file.read();
  if (content === undefined) throw damaged('there is no device here');
  try {
    return contentShape.decode(decodeCbor(content, { maxBytes: 4096 }), 'device');
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw damaged('the file of the device cannot be read', cause);
  }
}

const damaged = (why: string, cause?: unknown) => new TrustedError('DEVICE_FILE_DAMAGED', why, { cause });
