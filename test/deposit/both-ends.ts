/** The device's own purse and spender beside the merchant's own machine and till, with a bank between them that plays along. */
import { readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import type { Spender } from '../../src/deposit/customer-http/spender.ts';
import { acknowledgementType, initiationType, openedType } from '../../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../../src/deposit/message/temporary-certificate.ts';
import { convertAmount } from '../../src/money/rate.ts';
import { createVirtualClock } from '../world/virtual-clock.ts';
import { allow, createCounterparts, HOUR, RATE, signerOf, startPurse } from './customer/purse-world.ts';
import { openMerchantWorld } from './merchant/merchant-world.ts';
import type { PayingCustomer } from './merchant/paying-customer.ts';

export async function startBoth() {
  const clock = createVirtualClock();
  const shop = await openMerchantWorld({ clock });
  const bank = createCounterparts(clock);
  const counterparts: typeof bank = {
    ...bank,
    async deliver(message) {
      if (message.kind !== 'deposit-initiation') return bank.deliver(message);
      await bank.deliver(message);
      const { transaction, key, deposit, endsAtMs } = readMessage(initiationType, message.body).value;
      const there = convertAmount(deposit, RATE);
      const customer = { transaction, point: key, meet() {} } as unknown as PayingCustomer;
      const { value } = readMessage(acknowledgementType, await shop.inform(customer, { deposit: there, endsAtMs }));
      const certificate = issueTemporaryCertificate(
        { transaction, of: 'merchant', key: value.key, issuer: 'bank', notAfterMs: endsAtMs + HOUR },
        signerOf('bank'),
      );
      const available = { currency: 'USD', minor: 1n };
      const opened = { transaction, rate: RATE, deposit: there, certificate, url: value.url, available };
      return { type: 'answered', body: signMessage(openedType, opened, signerOf('bank')) };
    },
  };
  const world = await startPurse({ clock, counterparts });
  await allow(world);
  return { world, shop };
}

/** The port of paying over HTTP, on one deposit of the purse. */
export function spendingIn(
  { world }: Pick<Awaited<ReturnType<typeof startBoth>>, 'world'>,
  transaction: string,
): { readonly spender: Spender; readonly failures: unknown[] } {
  const { spender: purse } = world;
  const failures: unknown[] = [];
  const spender: Spender = {
    ensure: async () => transaction,
    pay: (of, item) => purse.pay(of, item),
    paid: (of, number) => purse.paid(of, number),
    failed: (of, number, failure) => {
      failures.push(failure);
      purse.failed(of, number);
    },
  };
  return { spender, failures };
}
