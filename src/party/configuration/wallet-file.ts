/**
 * The wallet on disk (EP 1 006 469, "E-Wallet"): cards sealed under a random wallet key, that key sealed under the person's
 * password. What is public about a card (brand, last digits, certificates) can be read while the wallet is locked.
 */
import { readFileSync } from 'node:fs';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { utf8 } from '../../codec/hex.ts';
import { openAtRest, type ScryptCost, sealAtRest } from '../../crypto/key-at-rest.ts';
import type { Random } from '../../crypto/random.ts';
import { open, SEALING_KEY_LENGTH, seal } from '../../crypto/sealing.ts';
import { HandselError } from '../../handsel-error.ts';
import { replaceFile } from '../files/replace-file.ts';

const PURPOSE = 'handsel wallet';
const MAX_BYTES = 1 << 20;

/** What anyone with the file may know of a card. */
export interface CardFace {
  readonly id: string;
  readonly brand: string;
  /** The first six digits, which say who issued the card. */
  readonly bin: string;
  /** For people to tell cards apart: never more of the number than this. */
  readonly lastFour: string;
  /** YYYYMM. */
  readonly expiry: string;
  /** The cardholder's certificate first, then its issuers (DER). */
  readonly certificateChain: readonly Uint8Array[];
}

export interface CardSecrets {
  readonly pan: string;
  readonly expiry: string;
  /** Shared with the cardholder's certificate authority, 32 bytes. */
  readonly panSecret: Uint8Array;
  /** Shared with the issuer, 32 bytes. */
  readonly cardSecret: Uint8Array;
  /** PKCS#8 DER. */
  readonly privateKey: Uint8Array;
}

interface StoredCard extends CardFace {
  readonly sealed: Uint8Array;
}

export interface WalletFile {
  readonly sealedKey: Uint8Array;
  readonly cards: readonly StoredCard[];
}

export class WalletError extends HandselError {}

export function createWallet(options: {
  readonly password: string;
  readonly random: Random;
  readonly cost?: ScryptCost;
}): {
  readonly wallet: WalletFile;
  readonly walletKey: Uint8Array;
} {
  const walletKey = options.random(SEALING_KEY_LENGTH);
  const { password, random, cost } = options;
  const sealedKey = sealAtRest({ secret: walletKey, password, purpose: PURPOSE, random, ...(cost && { cost }) });
  return { wallet: { sealedKey, cards: [] }, walletKey };
}

/** The wallet key. @throws CryptographicError for a wrong password. */
export function unlockWallet(wallet: WalletFile, password: string): Uint8Array {
  return openAtRest({ sealed: wallet.sealedKey, password, purpose: PURPOSE });
}

/** Seals the same wallet key under another password; cards and mandates given before stay good. @throws CryptographicError */
export function changePassword(
  wallet: WalletFile,
  options: { readonly present: string; readonly next: string; readonly random: Random },
): WalletFile {
  const secret = unlockWallet(wallet, options.present);
  const sealedKey = sealAtRest({ secret, password: options.next, purpose: PURPOSE, random: options.random });
  secret.fill(0);
  return { ...wallet, sealedKey };
}

export function addCard(
  wallet: WalletFile,
  options: {
    readonly walletKey: Uint8Array;
    readonly face: CardFace;
    readonly secrets: CardSecrets;
    readonly random: Random;
  },
): WalletFile {
  const { face, secrets } = options;
  if (wallet.cards.some((card) => card.id === face.id)) {
    throw new WalletError('CARD_EXISTS', `the wallet already holds a card named ${face.id}`);
  }
  const plaintext = encodeCbor({ ...secrets });
  const associatedData = utf8(face.id);
  const sealed = seal({ key: options.walletKey, plaintext, associatedData, random: options.random });
  return { ...wallet, cards: [...wallet.cards, { ...face, sealed }] };
}

/** @throws CryptographicError when the key is not this wallet's. */
export function openCardSecrets(wallet: WalletFile, cardId: string, walletKey: Uint8Array): CardSecrets {
  const card = wallet.cards.find(({ id }) => id === cardId);
  if (card === undefined) throw new WalletError('CARD_UNKNOWN', `the wallet holds no card named ${cardId}`);
  const secrets = decodeCbor(open({ key: walletKey, sealed: card.sealed, associatedData: utf8(cardId) }));
  return secrets as unknown as CardSecrets; // we sealed it ourselves: authenticity was just checked
}

export function writeWallet(file: string, wallet: WalletFile): void {
  const cards = wallet.cards.map((card) => ({ ...card, certificateChain: [...card.certificateChain] }));
  replaceFile(file, encodeCbor({ version: 1, sealedKey: wallet.sealedKey, cards }));
}

/** @throws WalletError `WALLET_UNREADABLE` when the file is missing or not a wallet. */
export function readWallet(file: string): WalletFile {
  try {
    const value = decodeCbor(readFileSync(file), { maxBytes: MAX_BYTES }) as { readonly [key: string]: CborValue };
    if (value.version !== 1 || !(value.sealedKey instanceof Uint8Array) || !Array.isArray(value.cards)) {
      throw new Error('not a wallet of version 1');
    }
    return { sealedKey: value.sealedKey, cards: value.cards as unknown as readonly StoredCard[] };
  } catch (cause) {
    throw new WalletError('WALLET_UNREADABLE', `cannot read a wallet from ${file}`, { cause });
  }
}
