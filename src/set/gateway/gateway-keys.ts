/** The payment gateway's keys and names: towards merchants of one brand, and towards the acquirer's network. */
import type { CertifiedKey } from '../message/certified-key.ts';

export interface GatewayKeys {
  readonly gatewayId: string;
  readonly signing: CertifiedKey;
  /** Opens payment instructions and authorization requests. */
  readonly encryption: CertifiedKey;
  /** 32 bytes: card data in the gateway's journal is sealed under it. */
  readonly storageKey: Uint8Array;
}

export interface NetworkNames {
  /** Up to 11 digits. */
  readonly acquirerId: string;
  /** Up to 8 characters. */
  readonly terminalId: string;
  /** The card acceptor for a merchant, up to 15 characters; undefined for one that is cut off or unknown. */
  readonly acceptorOf: (merchantId: string) => string | undefined;
  /** The outbox route to the acquirer host. */
  readonly route: string;
}
