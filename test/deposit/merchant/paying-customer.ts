/** A customer's device as far as a merchant sees it: it signs checkpoints, releases words and keeps the same list. */
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import { type Checkpoint, checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { terminateType } from '../../../src/deposit/message/conclusion.ts';
import { makeChain, WORD_LENGTH } from '../../../src/deposit/message/hash-chain.ts';
import { listKeyOf } from '../../../src/deposit/message/list-key.ts';
import { encodePurchase, stepsFor, WORTHS } from '../../../src/deposit/message/purchase.ts';
import { createListCipher, EMPTY_HEAD, headWith, type ListCipher } from '../../../src/deposit/message/purchase-list.ts';

export interface Sale {
  readonly number: number;
  readonly token: Uint8Array;
  readonly item: { readonly units: number; readonly request: Uint8Array };
}

const CHAIN_LENGTHS = [512, 256, 64, 64];
let chainsMade = 0;

export class PayingCustomer {
  readonly transaction: string;
  readonly keys: KeyPair;
  readonly point: Uint8Array;
  count = 0;
  units = 0;
  head: Uint8Array = EMPTY_HEAD;
  listKey = new Uint8Array(32);
  #cipher: ListCipher | undefined;
  #chains: Uint8Array[] = [];
  #used = [0, 0, 0, 0];
  readonly #lengths: readonly number[];

  constructor(transaction: string, options: { readonly keys?: KeyPair; readonly lengths?: readonly number[] } = {}) {
    this.transaction = transaction;
    this.keys = options.keys ?? generateP256();
    this.point = exportPoint(this.keys.publicKey);
    this.#lengths = options.lengths ?? CHAIN_LENGTHS;
  }

  /** The merchant's key, as its operator's certificate brings it. */
  meet(merchant: Uint8Array): void {
    const { transaction, keys, point: customer } = this;
    this.listKey = new Uint8Array(
      listKeyOf({ transaction, own: 'customer', privateKey: keys.privateKey, customer, merchant }),
    );
    this.#cipher = createListCipher(this.listKey);
  }

  /** Begins new chains. */
  checkpoint(changed: Partial<Checkpoint> = {}, keys: KeyPair = this.keys): Uint8Array {
    this.#chains = this.#lengths.map((length) => makeChain(sha256(Buffer.from(`chain ${chainsMade++}`)), length));
    this.#used = WORTHS.map(() => 0);
    const { transaction, count, units, head } = this;
    const anchors = this.#chains.map((chain) => chain.slice(0, WORD_LENGTH));
    const checkpoint = { transaction, count, units, head, unitNano: 100_000, currency: 'EUR', anchors, ...changed };
    return signMessage(checkpointType, checkpoint, keys);
  }

  /** Pays the next purchase: of what is named, or of the request with this digest; `told` is what the token says where that is not the truth. */
  buy(
    units: number,
    what: string | Uint8Array = `item ${this.count + 1}`,
    told: { number?: number; head?: Uint8Array } = {},
  ): Sale {
    const item = { units, request: typeof what === 'string' ? sha256(Buffer.from(what)) : what };
    const number = this.count + 1;
    const steps = stepsFor(units);
    const words = steps.map((moved, chain) => {
      this.#used[chain]! += moved;
      const at = this.#used[chain]! * WORD_LENGTH;
      return moved === 0 ? undefined : this.#chains[chain]!.slice(at, at + WORD_LENGTH);
    });
    if (this.#cipher === undefined) throw new Error('the merchant is not known yet');
    this.head = headWith(this.head, this.#cipher.encrypt({ number, ...item }));
    this.count = number;
    this.units += units;
    return { number, item, token: encodePurchase({ number, steps, head: this.head, words, ...told }) };
  }

  terminate(keys: KeyPair = this.keys, atMs = 0): Uint8Array {
    return signMessage(terminateType, { transaction: this.transaction, atMs }, keys);
  }

  /** Where it stands, to go back to: a device that forgets, or lies. */
  save(): () => void {
    const { count, units, head } = this;
    const used = [...this.#used];
    const chains = [...this.#chains];
    return () => {
      Object.assign(this, { count, units, head });
      this.#used = used;
      this.#chains = chains;
    };
  }
}
