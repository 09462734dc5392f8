/** The files of a new merchant and of a new market. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateP256 } from '../../crypto/signature.ts';
import { issueMerchant } from '../../set/authority/issue-acceptance.ts';
import {
  chainFile,
  issueAgents,
  issueIdentity,
  privateKeyFile,
  trustConfiguration,
  trustFiles,
} from '../configuration/issue-for-party.ts';
import { KEY_LENGTH, keyFileText } from '../configuration/key-file.ts';
import { below, type NewFile, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';
import { asJson, type PartyOptions } from './provision-bank.ts';
import { certifiedHosts, type MerchantPlan, urlAt } from './provision-plan.ts';

export interface MerchantFilesOptions extends PartyOptions {
  /** Folder of the catalogue to begin with; without it there is nothing in it. */
  readonly catalogue?: string;
  /** The certificates of the acquirer's gateway. */
  readonly gateway: NewFiles;
  /** The certificate of the acquirer as the trustee. */
  readonly trustee: NewFile;
  readonly gatewayUrl: string;
  readonly marketUrl: string;
  readonly url: string;
}

/** Of one lookup in the catalogue, in the merchant's currency for it: four units. */
const PAID_PRICE = '0.0004';
const PAID_UNIT_NANO = 100_000;

const NO_PRODUCTS: NewFiles = new Map([['products.jsonld', publicFile('[]\n')]]);

export function merchantFiles(merchant: MerchantPlan, options: MerchantFilesOptions): NewFiles {
  const { agency, plan, news, agencyUrl, peers, gateway, gatewayUrl, marketUrl, trustee, url, random } = options;
  const { name, title, acquirer } = merchant;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const agents = issueAgents(agency, identity.certificate);
  const signature = generateP256();
  const encryption = generateP256();
  const issued = issueMerchant(agency, {
    brandId: plan.brand,
    acquirerName: acquirer.name,
    acquirerBin: acquirer.bin,
    merchantId: name,
    name: title,
    city: plan.city,
    country: plan.country,
    countryNumber: plan.countryNumber,
    signatureKey: signature.publicKey,
    encryptionKey: encryption.publicKey,
  });
  const configuration = {
    party: 'merchant',
    name,
    listen: { host: plan.hostOf(name), port: merchant.port },
    communication: identity.communication,
    peers,
    store: { kind: 'sqlite', directory: 'journals' },
    url,
    merchantId: name,
    brand: plan.brand,
    signature: { chain: 'set/signature.pem', privateKey: 'set/signature-key.pem' },
    encryption: { chain: 'set/encryption.pem', privateKey: 'set/encryption-key.pem' },
    trust: trustConfiguration(agencyUrl),
    gateway: { url: gatewayUrl, signature: 'gateway/signature.pem', encryption: 'gateway/encryption.pem' },
    catalogue: 'catalogue',
    agentAuthority: agents.agentAuthority,
    market: marketUrl,
    paid: {
      listen: { host: plan.hostOf(name), port: merchant.paidPort },
      url: urlAt(plan, name, merchant.paidPort),
      operator: { name: acquirer.name, url: gatewayUrl },
      unit: { currency: merchant.paidCurrency, nano: PAID_UNIT_NANO },
      price: `${PAID_PRICE} ${merchant.paidCurrency}`,
      storageKey: 'paid/storage.key',
      challengeKey: 'paid/challenge.key',
    },
    delivery: {
      storageKey: 'delivery/storage.key',
      trustee: { name: acquirer.name, url: gatewayUrl, certificate: 'delivery/trustee.pem' },
      arbiters: [plan.arbiter.name],
      packages: {
        folder: 'packages',
        listen: { host: plan.hostOf(name), port: merchant.packagesPort },
        // In clear: a package is encrypted and signed, and anybody may serve it.
        urls: [`${urlAt(plan, name, merchant.packagesPort).replace('https:', 'http:')}/packages/`],
      },
    },
  };
  return new Map([
    ['paid/storage.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['delivery/storage.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['delivery/trustee.pem', trustee],
    ['paid/challenge.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ...identity.files,
    ...agents.files,
    ...gateway,
    ...trustFiles(agency, news),
    ['set/signature.pem', chainFile([issued.signature, ...issued.issuers])],
    ['set/signature-key.pem', privateKeyFile(signature.privateKey)],
    ['set/encryption.pem', chainFile([issued.encryption, ...issued.issuers])],
    ['set/encryption-key.pem', privateKeyFile(encryption.privateKey)],
    ...below('catalogue', options.catalogue === undefined ? NO_PRODUCTS : copyOf(options.catalogue)),
    ['party.json', publicFile(asJson(configuration))],
  ]);
}

/** The merchant's own copy, to be changed with `handsel merchant catalogue` without touching what it came from. */
function copyOf(folder: string): NewFiles {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const relative = path.slice(folder.length + 1).replaceAll('\\', '/');
      return [relative, publicFile(new Uint8Array(readFileSync(path)))];
    }),
  );
}

export function marketFiles(options: PartyOptions & { readonly url: string }): NewFiles {
  const { agency, plan, peers, random, url } = options;
  const { name, port } = plan.market;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const configuration = {
    party: 'market',
    name,
    listen: { host: plan.hostOf(name), port },
    communication: identity.communication,
    peers,
    store: { kind: 'sqlite', directory: 'journals' },
    url,
    sealingKey: 'sealing.key',
  };
  return new Map([
    ...identity.files,
    ['sealing.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['party.json', publicFile(asJson(configuration))],
  ]);
}
