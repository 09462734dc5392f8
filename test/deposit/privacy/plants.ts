/** Leaks put in on purpose: somebody's program says a little more than it should, and everybody else takes it, for it is well signed. */
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { type MessageType, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { clearingInformationType } from '../../../src/deposit/message/conclusion.ts';
import { amendedInitiationType, initiationType, logOnType } from '../../../src/deposit/message/initiation.ts';
import type { CommunicationIdentity } from '../../../src/party/running/communication.ts';
import type { Client } from '../../../src/transport/client.ts';
import { cast, goods, type Plant } from './privacy-world.ts';

type Between = (name: string, client: Client, identity: CommunicationIdentity) => Client;

/** Messages of one kind leave the party changed, under its own signature. */
function altering<T>(party: string, type: MessageType<T>, change: (value: T) => T): Between {
  return (name, client, { privateKey, chain }) => {
    if (name !== party) return client;
    const signer = { privateKey, certificateChain: chain.map(({ der }) => der) };
    return {
      ...client,
      post(url, message, signal) {
        if (message.kind !== type.name) return client.post(url, message, signal);
        const changed = change(readMessage(type, message.body).value);
        return client.post(url, { ...message, body: signMessage(type, changed, signer) }, signal);
      },
    };
  };
}

/** Of whom the account manager has heard last: it is asked one deposit at a time here. */
function heardBy(party: string, of: (customer: string) => Between): Between {
  let customer = '';
  return (name, client, identity) => {
    if (cast.customers.some((one) => one === name)) {
      return {
        ...client,
        post(url, message, signal) {
          if (message.kind === logOnType.name || message.kind === initiationType.name) customer = name;
          return client.post(url, message, signal);
        },
      };
    }
    if (name !== party) return client;
    return {
      ...client,
      post: (url, message, signal) => of(customer)(name, client, identity).post(url, message, signal),
    };
  };
}

const half = (text: string) => toHex(sha256(utf8(text))).slice(0, 32);

/** Leaks that join what a customer does: an identifier that stays, a time of one's own, a cookie. */
export const joining: Plant = {
  client: heardBy(cast.accountManager, (customer) =>
    altering(cast.accountManager, amendedInitiationType, (value) => ({
      ...value,
      customer: half(`of ${customer}`),
      idleMs: value.idleMs + 1 + cast.customers.indexOf(customer),
    })),
  ),
  headers: (customer) => ({ cookie: `visitor=${customer.length}${half(`visitor ${customer}`)}` }),
};

export const joinedBy = (customer: string) => ({
  identifier: half(`of ${customer}`),
  idle: String(600_001 + cast.customers.indexOf(customer)),
  cookie: `${customer.length}${half(`visitor ${customer}`)}`,
});

const account = heardBy(cast.accountManager, (customer) =>
  altering(cast.accountManager, amendedInitiationType, (value) => ({ ...value, customer: half(customer) })),
);
/** Leaks that say it: the account manager names the account, by half of its digest; the acquirer says in its reasons what was bought. */
export const telling: Plant = {
  client(name, client, identity) {
    const ruling = altering(cast.acquirer, clearingInformationType, (value) => ({
      ...value,
      reasons: [...value.reasons, `It was for ${Buffer.from(goods.asked).toString('base64')}.`],
    }));
    return ruling(name, account(name, client, identity), identity);
  },
};
