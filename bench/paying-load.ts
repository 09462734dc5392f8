/** Customers for load, each with a deposit of its own: their requests are made beforehand, every one with a payment that the merchant has to check. */
import { generateP256 } from '../src/crypto/signature.ts';
import { formatCredential, preemptiveChallenge } from '../src/deposit/message/payment-credential.ts';
import { requestDigest } from '../src/deposit/message/payment-offer.ts';
import { PayingCustomer } from '../test/deposit/merchant/paying-customer.ts';
import type { Child } from './child.ts';
import type { Requests } from './keep-alive-load.ts';
import { type OpenAsked, UNITS } from './load-merchant.ts';

/** As often as the purse signs one. */
const PURCHASES_A_CHECKPOINT = 256;

export interface Route {
  /** `host:port` */
  readonly realm: string;
  readonly target: string;
}

export interface PayingLoad {
  readonly paid: number;
  /** The next requests of each customer. */
  requests(route: Route, count: number): readonly Requests[];
}

export async function openPayingLoad(merchant: Child<unknown>, customers: number, bank: string): Promise<PayingLoad> {
  const keys = generateP256();
  const lengths = [UNITS * PURCHASES_A_CHECKPOINT, 1, 1, 1];
  const devices: PayingCustomer[] = [];
  for (let at = 1; at <= customers; at++) {
    const device = new PayingCustomer(`${bank}.${at}.1`, { keys, lengths });
    const { transaction, point } = device;
    device.meet(await merchant.ask<Uint8Array>('open', { transaction, point } satisfies OpenAsked));
    devices.push(device);
  }
  return {
    get paid() {
      return devices.reduce((sum, { count }) => sum + count, 0);
    },
    requests(route, count) {
      const digest = requestDigest({ ...route, method: 'GET', body: new Uint8Array() });
      const pay = (device: PayingCustomer) => {
        const checkpoint = device.count % PURCHASES_A_CHECKPOINT === 0 ? { checkpoint: device.checkpoint() } : {};
        const { token } = device.buy(UNITS, digest);
        const { transaction } = device;
        const credential = formatCredential(preemptiveChallenge, { transaction, token, ...checkpoint });
        return requestFor(route, `Authorization: ${credential}\r\n`);
      };
      return devices.map((device) => Array.from({ length: count }, () => pay(device)));
    },
  };
}

/** As Node's own fetch writes it. */
export function requestFor({ realm, target }: Route, fields = ''): Uint8Array {
  const head = `GET ${target} HTTP/1.1\r\nHost: ${realm}\r\nConnection: keep-alive\r\n${fields}Accept: */*\r\n`;
  return Buffer.from(
    `${head}Accept-Language: *\r\nSec-Fetch-Mode: cors\r\nUser-Agent: node\r\nAccept-Encoding: gzip, deflate\r\n\r\n`,
  );
}
