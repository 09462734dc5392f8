/**
 * Which cards the wallet may use right now: those of payments the guard has let through. An unattended payment's token opens the
 * wallet key whenever it is needed, also after a restart; a key the person gave by password is held in memory only.
 */
import { createPrivateKey } from 'node:crypto';
import { walletKeyOf } from '../../agent/guard/guard-machine.ts';
import type { GuardState } from '../../agent/guard/guard-record.ts';
import { readCertificate } from '../../pki/certificate.ts';
import type { OpenedCard } from '../../set/wallet/opened-card.ts';
import { openCardSecrets, type WalletFile } from '../configuration/wallet-file.ts';

export interface OpenWallet {
  /** Undefined while nobody has opened the wallet for this payment. */
  open(paymentId: string, cardId: string): OpenedCard | undefined;
  /** Whether it was, or can be without anybody. */
  isOpen(paymentId: string): boolean;
  /** The person gave the password for this payment. */
  unlocked(paymentId: string, walletKey: Uint8Array): void;
  /** The payment has ended: what was opened for it is closed. */
  close(paymentId: string): void;
}

export function createOpenWallet(options: {
  /** Read anew each time: cards are added while the station runs. */
  readonly wallet: () => WalletFile;
  readonly guard: () => GuardState;
}): OpenWallet {
  const keys = new Map<string, Uint8Array>();
  const opened = new Map<string, OpenedCard>();

  const walletKeyFor = (paymentId: string): Uint8Array | undefined => {
    const given = keys.get(paymentId);
    if (given !== undefined) return given;
    const { payments, mandates } = options.guard();
    const payment = payments.get(paymentId);
    if (payment?.status !== 'paying') return undefined;
    return walletKeyOf(mandates.get(payment.mandateId)!, payment.token);
  };

  return {
    open(paymentId, cardId) {
      const known = opened.get(paymentId);
      if (known !== undefined) return known;
      const walletKey = walletKeyFor(paymentId);
      if (walletKey === undefined) return undefined;
      try {
        const card = openCard(options.wallet(), cardId, walletKey);
        opened.set(paymentId, card);
        return card;
      } finally {
        // A token gives the key whenever it is needed; one given by password is kept until the payment has ended.
        if (keys.get(paymentId) !== walletKey) walletKey.fill(0);
      }
    },
    isOpen(paymentId) {
      if (opened.has(paymentId) || keys.has(paymentId)) return true;
      const walletKey = walletKeyFor(paymentId);
      walletKey?.fill(0);
      return walletKey !== undefined;
    },
    unlocked(paymentId, walletKey) {
      keys.get(paymentId)?.fill(0);
      keys.set(paymentId, walletKey);
    },
    close(paymentId) {
      keys.get(paymentId)?.fill(0);
      keys.delete(paymentId);
      opened.delete(paymentId);
    },
  };
}

function openCard(wallet: WalletFile, cardId: string, walletKey: Uint8Array): OpenedCard {
  const secrets = openCardSecrets(wallet, cardId, walletKey);
  const face = wallet.cards.find(({ id }) => id === cardId)!;
  const certificate = readCertificate(face.certificateChain[0]!);
  const privateKey = createPrivateKey({ key: Buffer.from(secrets.privateKey), format: 'der', type: 'pkcs8' });
  const { pan, expiry, panSecret, cardSecret } = secrets;
  return { pan, expiry, panSecret, cardSecret, key: { certificate, privateKey } };
}
