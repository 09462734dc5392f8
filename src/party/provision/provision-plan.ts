/** The network that `handsel network init` makes: who there is, under which names, numbers and ports. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

export interface OperatorPlan {
  readonly name: string;
  /** Leading digits of the cards it issues. */
  readonly bin: string;
  readonly acquirerId: string;
  readonly issuerId: string;
  readonly port: number;
  readonly interchangePort: number;
}

export interface MerchantPlan {
  /** Also the identifier in SET and in agents' messages. */
  readonly name: string;
  readonly title: string;
  readonly acquirer: OperatorPlan;
  readonly port: number;
  /** Of the routes that are paid out of deposits, and what their prices are in. */
  readonly paidPort: number;
  /** Of the plain web server with its packages. */
  readonly packagesPort: number;
  readonly paidCurrency: string;
}

/** A transaction device (src/trusted), and what it is for. */
export interface DevicePlan {
  readonly name: string;
  readonly kind: 'customer' | 'merchant' | 'authority';
  /** How a merchant or authority calls itself. */
  readonly title?: string;
  readonly port: number;
}

export interface CustomerPlan {
  readonly name: string;
  readonly issuer: OperatorPlan;
  readonly port: number;
  readonly controlPort: number;
}

export interface NetworkPlan {
  readonly brand: string;
  readonly organization: string;
  readonly country: string;
  /** ISO 3166-1, the number of the same country. */
  readonly countryNumber: number;
  readonly city: string;
  /** Where a party listens. */
  hostOf(name: string): string;
  readonly currencies: readonly string[];
  readonly agency: { readonly name: string; readonly port: number };
  readonly operators: readonly OperatorPlan[];
  readonly merchants: readonly MerchantPlan[];
  readonly market: { readonly name: string; readonly port: number };
  readonly arbiter: { readonly name: string; readonly port: number };
  readonly customer: CustomerPlan;
  /** The ordinary trusted server, and the devices that it certifies. */
  readonly registry: { readonly name: string; readonly port: number };
  readonly cards: { readonly name: string; readonly port: number };
  readonly devices: readonly DevicePlan[];
  /** For programs of the reader's own, which open them themselves: certified, with accounts, and started by nobody else. */
  readonly yours: { readonly merchant: MerchantPlan; readonly customer: CustomerPlan };
}

/** Those who have accounts, whoever starts them. */
export const allMerchants = ({ merchants, yours }: NetworkPlan): readonly MerchantPlan[] => [
  ...merchants,
  yours.merchant,
];
export const allCustomers = ({ customer, yours }: NetworkPlan): readonly CustomerPlan[] => [customer, yours.customer];

export const PORTS_NEEDED = 27;
export const DEVICE_NAMES = ['bureau', 'opera', 'door', 'ada', 'ben'] as const;
const NAMES_STARTED = [
  ...['agency', 'north', 'south', 'atlas', 'lexicon', 'market', 'arbiter', 'customer', 'registry', 'cards'],
  ...DEVICE_NAMES,
] as const;
export const PARTY_NAMES = [...NAMES_STARTED, 'bakery', 'scout'] as const;

export interface Places {
  readonly host: string;
  /** By name, of parties that are to be on another machine. */
  readonly elsewhere: Readonly<Record<string, string>>;
  /** As many as `PORTS_NEEDED`. */
  readonly ports: readonly number[];
}

/** What the communication certificate of a party is good for. */
export const certifiedHosts = (plan: NetworkPlan, name: string) => [...new Set([plan.hostOf(name), 'localhost'])];

type FivePorts = [number, number, number, number, number];

export function planNetwork({ host, elsewhere, ports }: Places): NetworkPlan {
  const [rest, paid, trusted, own] = [ports.slice(0, 10), ports.slice(10, 15), ports.slice(15, 22), ports.slice(22)];
  const [atlasPaid, lexiconPaid, arbiterPort, atlasPackages, lexiconPackages] = paid as FivePorts;
  const [registry, cards, ...deviceNumbers] = trusted as [number, number, ...FivePorts];
  const [bureau, opera, door, ada, ben] = deviceNumbers;
  const [yourMerchant, yourPaid, yourPackages, yourCustomer, yourControl] = own as FivePorts;
  const port = () => rest.shift()!;
  const agency = { name: 'agency', port: port() };
  const operator = (name: string, index: number): OperatorPlan => ({
    name,
    bin: `96000${index}`,
    acquirerId: `10000${index}`,
    issuerId: `20000${index}`,
    port: port(),
    interchangePort: port(),
  });
  const north = operator('north', 1);
  const south = operator('south', 2);
  return {
    brand: 'HANDSEL',
    organization: 'Handsel',
    country: 'NL',
    countryNumber: 528,
    city: 'Utrecht',
    hostOf: (name) => elsewhere[name] ?? host,
    currencies: ['EUR', 'USD', 'GBP'],
    agency,
    operators: [north, south],
    merchants: [
      {
        ...{ name: 'atlas', title: 'Atlas', acquirer: north, port: port() },
        ...{ paidPort: atlasPaid, paidCurrency: 'USD', packagesPort: atlasPackages },
      },
      {
        ...{ name: 'lexicon', title: 'Lexicon', acquirer: south, port: port() },
        ...{ paidPort: lexiconPaid, paidCurrency: 'EUR', packagesPort: lexiconPackages },
      },
    ],
    market: { name: 'market', port: port() },
    arbiter: { name: 'arbiter', port: arbiterPort },
    // The card is of the other operator than the first merchant's, so that a purchase there crosses operators.
    customer: { name: 'customer', issuer: south, port: port(), controlPort: port() },
    registry: { name: 'registry', port: registry },
    cards: { name: 'cards', port: cards },
    devices: [
      { name: 'bureau', kind: 'authority', title: 'Bureau of Credentials', port: bureau },
      { name: 'opera', kind: 'merchant', title: 'Handsel Opera', port: opera },
      { name: 'door', kind: 'merchant', title: 'Handsel Opera, doors', port: door },
      { name: 'ada', kind: 'customer', port: ada },
      { name: 'ben', kind: 'customer', port: ben },
    ],
    yours: {
      merchant: {
        ...{ name: 'bakery', title: 'Bakery', acquirer: north },
        ...{ port: yourMerchant, paidPort: yourPaid, paidCurrency: 'EUR', packagesPort: yourPackages },
      },
      customer: { name: 'scout', issuer: south, port: yourCustomer, controlPort: yourControl },
    },
  };
}

const LOWEST = 20_000;
const STEP = 30;
/** Below the ports that systems hand out by themselves (from 32768 on). */
const PLACES = 400;

/** Base URL of a party that listens there. */
export function urlAt(plan: Pick<NetworkPlan, 'hostOf'>, name: string, port: number): string {
  const host = plan.hostOf(name);
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The port from which a home looks for free ones: two homes on one machine begin at different ones. */
export function basePortOf(home: string): number {
  const digest = createHash('sha256').update(resolve(home)).digest();
  return LOWEST + STEP * (digest.readUInt32BE(0) % PLACES);
}
