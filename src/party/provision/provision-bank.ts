/** The files of a new operator: its gateway's certificates, the keys of its journals, and the cards it has given out. */

import type { Random } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import type { Agency } from '../../set/authority/agency.ts';
import { issueGateway } from '../../set/authority/issue-acceptance.ts';
import type { BrandRevocation } from '../../set/authority/revocation.ts';
import {
  chainFile,
  issueIdentity,
  privateKeyFile,
  trustConfiguration,
  trustFiles,
} from '../configuration/issue-for-party.ts';
import { KEY_LENGTH, keyFileText } from '../configuration/key-file.ts';
import { type NewFile, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';
import {
  allCustomers,
  allMerchants,
  certifiedHosts,
  type NetworkPlan,
  type OperatorPlan,
  urlAt,
} from './provision-plan.ts';

export interface NewCard {
  readonly pan: string;
  /** YYYYMM */
  readonly expiry: string;
  readonly currency: string;
}

export interface PartyOptions {
  readonly agency: Agency;
  readonly plan: NetworkPlan;
  readonly news: BrandRevocation;
  readonly agencyUrl: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly random: Random;
}

/** Credit and limits of a demonstration card, in minor units. */
const LIMITS = { creditMinor: '50000', perTransactionMinor: '10000', perDayMinor: '20000' };

/** What dollars and pounds cost in euros on this network: any rate would do, it has to be stated somewhere. */
const RATES = [
  { from: 'USD', to: 'EUR', rate: '0.92' },
  { from: 'GBP', to: 'EUR', rate: '1.17' },
];

/** Of deposits. */
const DEPOSIT_RATES = [
  { from: 'EUR', to: 'USD', rate: '1.087' },
  { from: 'USD', to: 'EUR', rate: '0.92' },
  { from: 'EUR', to: 'GBP', rate: '0.8547' },
  { from: 'GBP', to: 'EUR', rate: '1.17' },
];
/** Minor units: how far the customer's account for deposits may go below nothing, and what another operator may owe. */
const CREDIT_MINOR = '5000';
const MAY_OWE_MINOR = '1000000';

export function operatorFiles(
  operator: OperatorPlan,
  cards: readonly NewCard[],
  options: PartyOptions,
): { readonly files: NewFiles; readonly gateway: NewFiles; readonly certificate: NewFile } {
  const { agency, plan, news, agencyUrl, peers, random } = options;
  const { name, bin, acquirerId, issuerId } = operator;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const signature = generateP256();
  const encryption = generateP256();
  const issued = issueGateway(agency, {
    brandId: plan.brand,
    acquirerName: name,
    gatewayId: name,
    country: plan.country,
    signatureKey: signature.publicKey,
    encryptionKey: encryption.publicKey,
  });
  const gateway: NewFiles = new Map([
    ['gateway/signature.pem', chainFile([issued.signature, ...issued.issuers])],
    ['gateway/encryption.pem', chainFile([issued.encryption, ...issued.issuers])],
  ]);
  const runsCards = operator === plan.operators[0];
  const configuration = {
    party: 'operator',
    name,
    listen: { host: plan.hostOf(name), port: operator.port },
    communication: identity.communication,
    peers,
    store: { kind: 'sqlite', directory: 'journals' },
    brand: plan.brand,
    currencies: plan.currencies,
    gateway: {
      gatewayId: name,
      signature: { chain: 'gateway/signature.pem', privateKey: 'gateway/signature-key.pem' },
      encryption: { chain: 'gateway/encryption.pem', privateKey: 'gateway/encryption-key.pem' },
      trust: trustConfiguration(agencyUrl),
      storageKey: 'gateway/storage.key',
    },
    acquirer: {
      id: acquirerId,
      merchants: allMerchants(plan)
        .filter(({ acquirer }) => acquirer.name === name)
        .map((merchant) => ({ id: merchant.name, currencies: plan.currencies }))
        .concat(runsCards ? sellers(plan).map(({ name: id }) => ({ id, currencies: plan.currencies })) : []),
    },
    ...(runsCards && {
      cardNetwork: {
        name: plan.cards.name,
        acceptors: sellers(plan).map(({ name: merchant, title }) => ({ name: title, merchant })),
      },
    }),
    issuer: { id: issuerId, bin, panKey: 'issuer/pan.key', cards: 'issuer/cards.json', rates: RATES },
    interchange: {
      listen: { host: plan.hostOf(name), port: operator.interchangePort },
      operators: plan.operators
        .filter((other) => other.name !== name)
        .map((other) => ({
          name: other.name,
          host: plan.hostOf(other.name),
          port: other.interchangePort,
          bin: other.bin,
          acquirerId: other.acquirerId,
          issuerId: other.issuerId,
        })),
    },
    deposits: depositsOf(operator, plan),
    delivery: {
      storageKey: 'delivery/storage.key',
      merchants: plan.merchants
        .filter(({ acquirer }) => acquirer.name === name)
        .map((merchant) => ({ name: merchant.name, url: urlAt(plan, merchant.name, merchant.port) })),
      arbiters: [plan.arbiter.name],
    },
  };
  const files: NewFiles = new Map([
    ...identity.files,
    ...gateway,
    ...trustFiles(agency, news),
    ['gateway/signature-key.pem', privateKeyFile(signature.privateKey)],
    ['gateway/encryption-key.pem', privateKeyFile(encryption.privateKey)],
    ['gateway/storage.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['delivery/storage.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['issuer/pan.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    [
      'issuer/cards.json',
      secretFile(asJson(cards.map((card) => ({ ...card, account: plan.customer.name, ...LIMITS })))),
    ],
    ['party.json', publicFile(asJson(configuration))],
  ]);
  return { files, gateway, certificate: chainFile([identity.certificate]) };
}

/** Devices that are paid by card: each is an acceptor of its own, known by the name in its credential. */
const sellers = ({ devices }: NetworkPlan) =>
  devices.flatMap(({ name, kind, title }) => (kind === 'customer' || title === undefined ? [] : [{ name, title }]));

/** An account for each customer and each merchant, and what operators may owe each other. */
function depositsOf(operator: OperatorPlan, plan: NetworkPlan) {
  const { operators, currencies } = plan;
  const urlOf = ({ name, port }: { readonly name: string; readonly port: number }) => urlAt(plan, name, port);
  return {
    url: urlOf(operator),
    customers: allCustomers(plan)
      .filter(({ issuer }) => issuer.name === operator.name)
      .map(({ name }) => ({ name, currency: 'EUR', creditMinor: CREDIT_MINOR })),
    merchants: allMerchants(plan)
      .filter(({ acquirer }) => acquirer.name === operator.name)
      .map((merchant) => ({ name: merchant.name, currency: merchant.paidCurrency, url: urlOf(merchant) })),
    operators: operators
      .filter(({ name }) => name !== operator.name)
      .map((other) => ({
        name: other.name,
        url: urlOf(other),
        limits: currencies.map((currency) => ({ currency, theyMayOweMinor: MAY_OWE_MINOR })),
      })),
    rates: DEPOSIT_RATES,
    ratesLifespanSeconds: 3600,
    billing: { timeZone: 'UTC', adapters: [{ kind: 'csv', directory: 'billing' }] },
  };
}

export function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
