/**
 * A facilitator of x402 on this machine: its own published code checks every payment (EIP-712 signature over an EIP-3009 authorization, amounts,
 * times); only what a chain would have to be asked is answered from here, at once and always well. Nothing is settled on any chain.
 */
import { createServer } from 'node:http';
import { x402Facilitator } from '@x402/core/facilitator';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { recoverTypedDataAddress } from 'viem';
import { answerParent, usageSoFar } from '../child.ts';

const NETWORK = 'eip155:84532';
const TRANSACTION = `0x${'11'.repeat(32)}`;

const chain = {
  getAddresses: () => ['0x000000000000000000000000000000000000dEaD'],
  readContract: async ({ functionName }) => (functionName === 'authorizationState' ? false : 10n ** 18n),
  // The payer is an ordinary account, the token a contract.
  getCode: async ({ address }) => (isToken(address) ? '0x60' : undefined),
  verifyTypedData: async ({ address, signature, ...data }) =>
    (await recoverTypedDataAddress({ ...data, signature })).toLowerCase() === address.toLowerCase(),
  writeContract: async () => TRANSACTION,
  sendTransaction: async () => TRANSACTION,
  waitForTransactionReceipt: async () => ({ status: 'success' }),
};
const isToken = (address) => address.toLowerCase() === '0x036cbd53842c5426634e7929541ec2318f3dcf7e';

const facilitator = new x402Facilitator().register(NETWORK, new ExactEvmScheme(chain));
let verified = 0;

const routes = {
  '/supported': () => facilitator.getSupported(),
  async '/verify'({ paymentPayload, paymentRequirements }) {
    const result = await facilitator.verify(paymentPayload, paymentRequirements);
    if (result.isValid) verified++;
    return result;
  },
  /** Its own code would check the signature once more, and then wait for the chain: both are left out. */
  '/settle': ({ paymentPayload, paymentRequirements }) => ({
    success: true,
    transaction: TRANSACTION,
    network: paymentRequirements.network,
    payer: paymentPayload.payload.authorization.from,
  }),
};

const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const asked = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
  const answer = Buffer.from(JSON.stringify(await routes[req.url](asked)));
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
  res.end(answer);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
answerParent({ port: server.address().port }, { usage: usageSoFar, verified: () => verified }, async () =>
  server.closeAllConnections(),
);
