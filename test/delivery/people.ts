/** Who takes part in tests of delivery: keys of their own, and certificates that a port understands; and a bank that signs what it did. */
import { fromUtf8, toHex, utf8 } from '../../src/codec/hex.ts';
import { digest, record, type Shaped, text } from '../../src/codec/shape.ts';
import { generateP256, type KeyPair } from '../../src/crypto/signature.ts';
import { linkOf, type MessageType, readMessage, type Signer, signMessage } from '../../src/crypto/signed-message.ts';
import { money } from '../../src/delivery/message/identity.ts';
import type { SettlementProof } from '../../src/delivery/message/settlement-proof.ts';
import type { Identify, Party } from '../../src/delivery/message/signed-by.ts';
import type { OrderToPay, Settlement } from '../../src/delivery/receiver/settlement.ts';
import { CryptographicError, HandselError } from '../../src/handsel-error.ts';

const identities = new Map<string, { readonly keys: KeyPair; readonly role: string }>();

/** Each name with a key of its own, of one role: a customer's key is no merchant's. */
export function person(name: string, role: 'customer' | 'merchant' | 'trustee' | 'arbiter' | 'bank'): Signer & Party {
  const known = identities.get(name)?.keys ?? generateP256();
  identities.set(name, { keys: known, role });
  return { ...known, name, certificateChain: [utf8(name)] };
}

export function identify(role: string): Identify {
  return ([leaf]) => {
    const name = fromUtf8(leaf ?? utf8('nobody'));
    const found = identities.get(name);
    if (found?.role !== role) throw new CryptographicError(new Error(`no ${role} is called ${name}`));
    return { name, publicKey: found.keys.publicKey };
  };
}

export const identifyAll = {
  customer: identify('customer'),
  merchant: identify('merchant'),
  trustee: identify('trustee'),
  arbiter: identify('arbiter'),
};

const receiptShape = record({
  order: digest(),
  accept: digest(),
  payee: text({ max: 200 }),
  amount: money,
});
type BankReceipt = Shaped<typeof receiptShape>;
export const receiptType: MessageType<BankReceipt> = { name: 'test-bank-receipt', shape: receiptShape, maxBytes: 2048 };

/** What the bank signed for this accept, and nothing else, shows that it is paid. */
export const bankProof: SettlementProof = {
  async check({ order, accept, evidence }) {
    try {
      const receipt = readMessage(receiptType, evidence);
      receipt.requireSignature(person('bank', 'bank').publicKey);
      const { value } = receipt;
      const same =
        toHex(value.order) === toHex(order.digest) &&
        toHex(value.accept) === toHex(accept.digest) &&
        value.payee === order.value.payee &&
        value.amount.currency === order.value.price.currency &&
        value.amount.minor >= order.value.price.minor;
      return same ? 'paid' : 'unproved';
    } catch (cause) {
      if (cause instanceof HandselError) return 'unproved';
      throw cause;
    }
  },
};

/** Holds and moves money in one currency; everything it does may be asked of it again. */
export function createBank(balances: Readonly<Record<string, bigint>>) {
  const signer = person('bank', 'bank');
  const accounts = new Map(Object.entries(balances));
  const holds = new Map<string, { readonly from: string; readonly minor: bigint }>();
  const cancelled = new Set<string>();
  const paid = new Map<
    string,
    {
      readonly accept: string;
      readonly receipt: Uint8Array;
      readonly minor: bigint;
      readonly from: string;
      readonly to: string;
    }
  >();
  const move = (account: string, minor: bigint) => accounts.set(account, (accounts.get(account) ?? 0n) + minor);

  const settlementOf = (customer: string): Settlement => ({
    async prepare({ digest: of, order }: OrderToPay) {
      if (holds.has(of) || cancelled.has(of) || paid.has(of)) return;
      const { minor } = order.price;
      if ((accounts.get(customer) ?? 0n) < minor) throw new HandselError('FUNDS_LACKING', 'not enough on the account');
      move(customer, -minor);
      holds.set(of, { from: customer, minor });
    },
    async commit({ digest: of, order }: OrderToPay, accept: Uint8Array) {
      const known = paid.get(of);
      if (known !== undefined) return known.receipt;
      const hold = holds.get(of);
      if (hold === undefined) throw new HandselError('NOT_PREPARED', 'nothing is set aside for this order');
      holds.delete(of);
      move(order.payee, hold.minor);
      const said = { order: Buffer.from(of, 'hex'), accept: linkOf(accept), payee: order.payee, amount: order.price };
      const receipt = signMessage(receiptType, said, signer);
      paid.set(of, { accept: toHex(said.accept), receipt, minor: hold.minor, from: customer, to: order.payee });
      return receipt;
    },
    async cancel(of: string) {
      cancelled.add(of);
      const hold = holds.get(of);
      holds.delete(of);
      if (hold !== undefined) move(hold.from, hold.minor);
    },
  });
  return {
    ...{ accounts, holds, paid, settlementOf, proof: bankProof },
    refund(of: string) {
      const payment = paid.get(of);
      if (payment === undefined) return;
      paid.delete(of);
      move(payment.to, -payment.minor);
      move(payment.from, payment.minor);
    },
    /** Everything there is, on accounts and set aside: never more, never less. */
    get total() {
      return [...accounts.values(), ...[...holds.values()].map(({ minor }) => minor)].reduce(
        (sum, minor) => sum + minor,
        0n,
      );
    },
  };
}
