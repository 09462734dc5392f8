/** The wallet key in memory: there while a payment needs it, overwritten after. */
import { expect, test } from 'vitest';
import { emptyGuard } from '../../../src/agent/guard/guard-record.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { changePassword, createWallet, unlockWallet } from '../../../src/party/configuration/wallet-file.ts';
import { agentOrderSchema } from '../../../src/party/customer/agent-order.ts';
import { createOpenWallet } from '../../../src/party/customer/open-wallet.ts';

const zeros = new Uint8Array(32);

test('a key given by password is overwritten when the payment ends, or another is given for it', () => {
  const { wallet } = createWallet({ password: 'correct', random: systemRandom });
  const open = createOpenWallet({ wallet: () => wallet, guard: emptyGuard });
  const [first, second] = [systemRandom(32), systemRandom(32)];
  open.unlocked('p', first);
  open.unlocked('p', second);
  expect(first).toEqual(zeros);
  expect(second).not.toEqual(zeros);
  open.close('p');
  expect(second).toEqual(zeros);
});

test('a changed password opens the same wallet, and the old one opens nothing', () => {
  const { wallet, walletKey } = createWallet({ password: 'old password', random: systemRandom });
  const changed = changePassword(wallet, { present: 'old password', next: 'new password', random: systemRandom });
  expect(unlockWallet(changed, 'new password')).toEqual(walletKey);
  expect(() => unlockWallet(changed, 'old password')).toThrow();
});

test('a shared budget in another currency than the maximum is refused', () => {
  const order = { want: 'map', max: '5EUR', password: 'p', purse: { name: 'pocket', limit: '100USD' } };
  expect(agentOrderSchema.safeParse(order).success).toBe(false);
  expect(agentOrderSchema.safeParse({ ...order, purse: { name: 'pocket', limit: '100EUR' } }).success).toBe(true);
});
