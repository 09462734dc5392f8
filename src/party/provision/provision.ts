/**
 * Makes a whole network in a home directory: agency, operators, merchants, market and customer, each in a folder with its
 * configuration, keys and certificates. A home is finished when `network.json` is there; one that a crash left half made
 * is made anew, because nobody can have used it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeCompactKey } from '../../crypto/compact-key.ts';
import type { Random } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import { createAgency } from '../../set/authority/create-agency.ts';
import { makeBci } from '../../set/authority/revocation.ts';
import {
  NETWORK_FILE,
  NETWORK_VERSION,
  type Network,
  NetworkError,
  type NetworkMember,
  readNetwork,
} from '../configuration/network-home.ts';
import { type WalletFile, writeWallet } from '../configuration/wallet-file.ts';
import { makeFolder } from '../files/make-folder.ts';
import {
  below,
  flushFolder,
  type NewFile,
  type NewFiles,
  publicFile,
  secretFile,
  writeNewFiles,
} from '../files/new-files.ts';
import { freePorts } from './free-ports.ts';
import { agencyFiles } from './provision-agency.ts';
import { arbiterFiles } from './provision-arbiter.ts';
import { asJson, type NewCard, operatorFiles, type PartyOptions } from './provision-bank.ts';
import { customerFiles, newCard, newPassword, walletWith } from './provision-customer.ts';
import {
  allCustomers,
  allMerchants,
  basePortOf,
  type MerchantPlan,
  type NetworkPlan,
  PARTY_NAMES,
  PORTS_NEEDED,
  planNetwork,
  urlAt,
} from './provision-plan.ts';
import { marketFiles, merchantFiles } from './provision-trade.ts';
import { cardNetworkFiles, trustedFiles } from './provision-trusted.ts';

export interface ProvisionOptions {
  readonly home: string;
  /** Folder with a starter catalogue for each merchant, by the merchant's name. */
  readonly catalogues: string;
  /** Ports are the free ones from here on; default depends on the home's path. */
  readonly basePort?: number;
  /** Where parties listen; default 127.0.0.1. */
  readonly host?: string;
  /** By name: where those listen that are to run on other machines. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  readonly nowMs: () => number;
  readonly random: Random;
}

export interface Provisioned {
  readonly network: Network;
  /** False when the home was there already. */
  readonly made: boolean;
  /** Of one that was made: false when its ports were taken unseen, because they are another machine's. */
  readonly portsProbed?: boolean;
}

/** Exists while a home is being made; everything is made in it and moved out when it is whole. */
const MAKING = '.making';
/** In it: the process at work. */
const MAKER_FILE = 'maker';
/** Making takes less than a second. */
const PATIENCE_MS = 60_000;
const PASSWORD_FILE = 'customer/password';

/**
 * @throws NetworkError `HOME_NOT_EMPTY` when the home holds something else, `HOME_BUSY` while another process makes it,
 * `NETWORK_VERSION` for one of another version; HandselError `FOLDER_IS_FILE` or `FOLDER_IMPOSSIBLE` when it can be no folder.
 */
export async function provisionNetwork(options: ProvisionOptions): Promise<Provisioned> {
  const { home } = options;
  const making = join(home, MAKING);
  const existing = readNetwork(home);
  if (existing !== undefined) {
    rmSync(making, { recursive: true, force: true });
    return { network: existing, made: false };
  }
  // Keys lie in there: a home inside a checkout is not to be committed. A folder of somebody else's is left as it is.
  const isNew = !existsSync(home);
  makeFolder(home);
  if (isNew) writeFileSync(join(home, '.gitignore'), '*\n');
  clearHalfMade(home);
  markAsMaking(making);

  const { host = '127.0.0.1', elsewhere = {}, basePort = basePortOf(home) } = options;
  const { ports, probed } = await freePorts({ host, base: basePort, count: PORTS_NEEDED });
  const plan = planNetwork({ host, elsewhere, ports });
  const network = networkOf(plan);
  const { files, wallet } = await networkFiles(plan, network, options);

  writeNewFiles(making, files);
  writeWallet(join(making, plan.customer.name, 'wallet'), wallet);
  for (const { name } of [...network.parties, ...network.yours]) renameSync(join(making, name), join(home, name));
  flushFolder(home);
  // From here on the home is finished.
  renameSync(join(making, NETWORK_FILE), join(home, NETWORK_FILE));
  flushFolder(home);
  rmSync(making, { recursive: true });
  return { network, made: true, portsProbed: probed };
}

/** Only a home that is empty, or that was being made, is taken. */
function clearHalfMade(home: string): void {
  const there = PARTY_NAMES.filter((name) => existsSync(join(home, name)));
  const making = join(home, MAKING);
  if (existsSync(making)) {
    if (isBeingMade(making)) throw busy(home);
    // `network.json` is missing, so nothing here has ever run. The mark goes last.
    for (const name of there) rmSync(join(home, name), { recursive: true });
    rmSync(making, { recursive: true });
  } else if (there.length > 0) {
    throw new NetworkError('HOME_NOT_EMPTY', `${home} holds ${there[0]}, but no network that was finished there`);
  }
}

const busy = (home: string) =>
  new NetworkError('HOME_BUSY', `another process is making a network in ${home}: try again`);

/** Of two processes that begin at once, one gets it. */
function markAsMaking(making: string): void {
  try {
    mkdirSync(making, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw busy(dirname(making));
    throw cause;
  }
  writeFileSync(join(making, MAKER_FILE), String(process.pid));
}

/**
 * Whether who began it is still at it. Process numbers are given out again, after a container's restart even at once: a mark that is
 * old means nothing, and neither does our own number.
 */
function isBeingMade(making: string): boolean {
  const file = join(making, MAKER_FILE);
  try {
    const maker = Number(readFileSync(file, 'utf8'));
    if (maker === process.pid || !Number.isInteger(maker) || maker <= 0) return false;
    return systemClock().nowMs() - statSync(file).mtimeMs < PATIENCE_MS && process.kill(maker, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function networkOf(plan: NetworkPlan): Network {
  const { brand, agency, operators, merchants, market, arbiter, customer, registry, cards, devices, yours } = plan;
  const member =
    (party: NetworkMember['party']) =>
    ({ name, port }: { name: string; port: number }) => ({
      ...{ name, party, configuration: `${name}/party.json`, url: urlAt(plan, name, port) },
    });
  const merchantMember = (one: MerchantPlan) => ({
    ...member('merchant')(one),
    paid: urlAt(plan, one.name, one.paidPort),
  });
  return {
    format: 'handsel-network',
    version: NETWORK_VERSION,
    brand,
    password: PASSWORD_FILE,
    parties: [
      member('agency')(agency),
      ...operators.map(member('operator')),
      member('market')(market),
      ...merchants.map(merchantMember),
      member('arbiter')(arbiter),
      member('customer')(customer),
      member('trusted-server')(registry),
      member('card-network')(cards),
      ...devices.map(member('device')),
    ],
    yours: [merchantMember(yours.merchant), member('customer')(yours.customer)],
  };
}

/** Everything is made in memory first: nothing is written when something cannot be made. */
async function networkFiles(
  plan: NetworkPlan,
  network: Network,
  { nowMs, random, catalogues }: ProvisionOptions,
): Promise<{ readonly files: NewFiles; readonly wallet: WalletFile }> {
  const { brand, organization, country, customer } = plan;
  const agency = createAgency({
    organization,
    country,
    brands: [{ brandId: brand, country }],
    clock: { nowMs },
    random,
  });
  const urls = new Map([...network.parties, ...network.yours].map(({ name, url }) => [name, url]));
  const urlNamed = (name: string) => urls.get(name)!;
  const options: PartyOptions = {
    agency,
    plan,
    news: makeBci(agency, brand),
    agencyUrl: urlNamed(plan.agency.name),
    peers: Object.fromEntries([...urls].map(([name, url]) => [url, name])),
    random,
  };
  const files = new Map<string, NewFile>();
  const add = (folder: string, more: NewFiles) => {
    for (const [path, file] of below(folder, more)) files.set(path, file);
  };

  const [card, adasCard] = [0, 1].map(() =>
    newCard({ bin: customer.issuer.bin, currency: 'EUR', nowMs: nowMs(), random }),
  ) as [NewCard, NewCard];
  const gateways = new Map<string, NewFiles>();
  const certificates = new Map<string, NewFile>();
  for (const operator of plan.operators) {
    const made = operatorFiles(operator, operator.name === customer.issuer.name ? [card, adasCard] : [], options);
    gateways.set(operator.name, made.gateway);
    certificates.set(operator.name, made.certificate);
    add(operator.name, made.files);
  }
  const marketUrl = urlNamed(plan.market.name);
  for (const merchant of allMerchants(plan)) {
    const { name, acquirer } = merchant;
    const gateway = gateways.get(acquirer.name)!;
    const places = { url: urlNamed(name), gatewayUrl: urlNamed(acquirer.name), marketUrl };
    // What is sold by a program of the reader's own stands in no catalogue.
    const catalogue = merchant === plan.yours.merchant ? {} : { catalogue: join(catalogues, name) };
    const trustee = certificates.get(acquirer.name)!;
    add(name, merchantFiles(merchant, { ...options, ...places, ...catalogue, gateway, trustee }));
  }
  add(plan.market.name, marketFiles({ ...options, url: marketUrl }));
  const arbiter = arbiterFiles({ ...options, url: urlNamed(plan.arbiter.name) });
  add(plan.arbiter.name, arbiter.files);
  for (const one of allCustomers(plan)) {
    const url = urlNamed(one.name);
    add(one.name, customerFiles(one, { ...options, url, marketUrl, arbiter: arbiter.certificate }));
  }
  const password = newPassword(random);
  const wallet = walletWith(card, password, options);
  files.set(PASSWORD_FILE, secretFile(`${password}\n`));
  const [first] = plan.operators;
  const key = makeCompactKey(random);
  const cards = { key, networkUrl: urlNamed(plan.cards.name), card: adasCard, nowMs: nowMs() };
  const { primary, parties, builtIn } = await trustedFiles(options, urlNamed, cards);
  add(
    plan.cards.name,
    cardNetworkFiles({
      ...options,
      key,
      builtIn,
      url: urlNamed(plan.cards.name),
      operator: urlNamed(first!.name),
      server: urlNamed(plan.registry.name),
    }),
  );
  for (const [name, files] of parties) add(name, files);
  // Last, because the agency's state knows all it has issued.
  add(plan.agency.name, agencyFiles(options, primary));
  files.set(NETWORK_FILE, publicFile(asJson(network)));
  return { files, wallet };
}
