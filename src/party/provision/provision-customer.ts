/** The files of a new customer: the station's identity and agent authority, and a wallet with one certified card in it. */

import type { Random } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import { isSelfIssued } from '../../pki/certificate.ts';
import { publicKeyHash } from '../../pki/public-key.ts';
import { issueCardholder } from '../../set/authority/issue-cardholder.ts';
import { derivePanSecret, registrationTranscript } from '../../set/message/cardholder-identity.ts';
import { issueAgents, issueIdentity, trustConfiguration, trustFiles } from '../configuration/issue-for-party.ts';
import { KEY_LENGTH, keyFileText } from '../configuration/key-file.ts';
import { addCard, createWallet, type WalletFile } from '../configuration/wallet-file.ts';
import { type NewFile, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';
import { asJson, type NewCard, type PartyOptions } from './provision-bank.ts';
import { allMerchants, type CustomerPlan, certifiedHosts, urlAt } from './provision-plan.ts';

const CARD_ID = 'card-1';
const SECRET_LENGTH = 32;
const CARD_YEARS = 3;
const PAN_LENGTH = 16;

/** A card number of the bank that passes the check of ISO/IEC 7812-1, good for three years. */
export function newCard(options: { bin: string; currency: string; nowMs: number; random: Random }): NewCard {
  const { bin, currency, nowMs, random } = options;
  const account = [...random(PAN_LENGTH - 1 - bin.length)].map((byte) => byte % 10).join('');
  const digits = `${bin}${account}`;
  const now = new Date(nowMs);
  const month = String(now.getUTCMonth() + 1).padStart(2, '0');
  return { pan: `${digits}${checkDigit(digits)}`, expiry: `${now.getUTCFullYear() + CARD_YEARS}${month}`, currency };
}

/** Luhn: from the right every other digit counts twice, its digits added. */
function checkDigit(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return (10 - (sum % 10)) % 10;
}

/** For the demonstration: nobody has to type it, and nobody else can guess it. */
export function newPassword(random: Random): string {
  return Buffer.from(random(18)).toString('base64url');
}

export interface CustomerFilesOptions extends PartyOptions {
  readonly url: string;
  readonly marketUrl: string;
  /** The arbiter's certificate. */
  readonly arbiter: NewFile;
}

export function customerFiles(customer: CustomerPlan, options: CustomerFilesOptions): NewFiles {
  const { agency, plan, news, agencyUrl, peers, random, url, marketUrl, arbiter } = options;
  const { name, port, controlPort, issuer } = customer;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const agents = issueAgents(agency, identity.certificate);
  const configuration = {
    party: 'customer',
    name,
    listen: { host: plan.hostOf(name), port },
    communication: identity.communication,
    peers: {
      ...peers,
      ...Object.fromEntries(allMerchants(plan).map((one) => [urlAt(plan, one.name, one.paidPort), one.name])),
    },
    store: { kind: 'sqlite', directory: 'journals' },
    url,
    brand: plan.brand,
    trust: trustConfiguration(agencyUrl),
    market: marketUrl,
    agentAuthority: agents.agentAuthority,
    wallet: 'wallet',
    sealingKey: 'sealing.key',
    purchases: 'purchases',
    control: { host: '127.0.0.1', port: controlPort },
    deposits: {
      operator: { name: issuer.name, url: urlAt(plan, issuer.name, issuer.port) },
      currency: 'EUR',
      storageKey: 'deposits.key',
      limitMinor: '2000',
      depositMinor: '100',
      maxPrice: '0.01 EUR',
    },
    delivery: {
      storageKey: 'delivery/storage.key',
      trustees: plan.operators.map((operator) => ({
        name: operator.name,
        url: urlAt(plan, operator.name, operator.port),
      })),
      arbiter: {
        name: plan.arbiter.name,
        url: urlAt(plan, plan.arbiter.name, plan.arbiter.port),
        certificate: 'delivery/arbiter.pem',
      },
      packages: 'packages',
    },
  };
  return new Map([
    ...identity.files,
    ...agents.files,
    ...trustFiles(agency, news),
    ['sealing.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['delivery/storage.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['delivery/arbiter.pem', arbiter],
    ['deposits.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['party.json', publicFile(asJson(configuration))],
  ]);
}

/** Certifies the card as its holder's and puts it into a new wallet. */
export function walletWith(
  card: NewCard,
  password: string,
  { agency, plan, random }: Pick<PartyOptions, 'agency' | 'plan' | 'random'>,
): WalletFile {
  const { publicKey, privateKey } = generateP256();
  const cardSecret = random(SECRET_LENGTH);
  const { certificate, chain, nonceCca } = issueCardholder(agency, {
    ...{ pan: card.pan, expiry: card.expiry, brandId: plan.brand, issuerName: plan.customer.issuer.name },
    ...{ publicKey, cardSecret },
  });
  const transcript = registrationTranscript({
    brandId: plan.brand,
    keyHash: publicKeyHash(certificate.publicKey),
    caThumb: chain[1]!.thumb,
  });
  const { wallet, walletKey } = createWallet({ password, random });
  return addCard(wallet, {
    walletKey,
    face: {
      id: CARD_ID,
      brand: plan.brand,
      bin: card.pan.slice(0, 6),
      lastFour: card.pan.slice(-4),
      expiry: card.expiry,
      certificateChain: chain.filter((one) => !isSelfIssued(one)).map(({ der }) => der),
    },
    secrets: {
      pan: card.pan,
      expiry: card.expiry,
      panSecret: derivePanSecret({ cardSecret, nonceCca, transcript }),
      cardSecret,
      privateKey: new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })),
    },
    random,
  });
}
