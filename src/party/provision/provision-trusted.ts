/** The files of the system of trusted agents: the primary server's keys, an ordinary server, and devices with the tokens that introduce them. */
import { toHex } from '../../codec/hex.ts';
import { type CompactKeyPair, makeCompactKey } from '../../crypto/compact-key.ts';
import type { Random } from '../../crypto/random.ts';
import { createDeviceFile, type DeviceFile } from '../../trusted/agent/device-file.ts';
import { enrolmentText, TOKEN_LENGTH } from '../configuration/enrolments.ts';
import { issueIdentity } from '../configuration/issue-for-party.ts';
import { KEY_LENGTH, keyFileText } from '../configuration/key-file.ts';
import { primaryKeysText } from '../configuration/primary-keys.ts';
import { type NewFile, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';
import { asJson, type NewCard, type PartyOptions } from './provision-bank.ts';
import { certifiedHosts, type DevicePlan } from './provision-plan.ts';

export interface PrimaryFiles {
  readonly configuration: object;
  readonly files: NewFiles;
}

const PRIMARY_ID = 1;
const PRIMARY_KEYS = 'trusted/primary-keys.json';
const STORAGE_KEY = 'trusted/storage.key';
const ENROLMENTS = 'trusted/enrolments';
const TOKEN = 'trusted/token';

export interface CardsOfDevices {
  /** Of the card network. */
  readonly key: CompactKeyPair;
  readonly networkUrl: string;
  /** A card of the first person, and the days until the month begins in which it ends. */
  readonly card: NewCard;
  readonly nowMs: number;
}

export async function trustedFiles(
  options: PartyOptions,
  urlNamed: (name: string) => string,
  cards: CardsOfDevices,
): Promise<{
  readonly primary: PrimaryFiles;
  readonly parties: ReadonlyMap<string, NewFiles>;
  readonly builtIn: NewFile;
}> {
  const { plan, agency, agencyUrl, peers, random } = options;
  const key = makeCompactKey(random);
  const builtIn = publicFile(primaryKeysText([{ primaryId: PRIMARY_ID, publicKey: key.x, fromDay: 0 }]));
  const server = () => ({
    configuration: {
      store: { kind: 'sqlite', directory: 'journals' },
      ...{ primaryKeys: PRIMARY_KEYS, storageKey: STORAGE_KEY, enrolments: ENROLMENTS },
    },
    files: [
      [PRIMARY_KEYS, builtIn],
      [STORAGE_KEY, secretFile(keyFileText(random(KEY_LENGTH)))],
    ] as [string, NewFile][],
  });
  const { registry } = plan;
  const registryToken = random(TOKEN_LENGTH);

  const atAgency = server();
  const primary = {
    configuration: { ...atAgency.configuration, primaryId: PRIMARY_ID, privateKey: 'trusted/primary.key' },
    files: new Map([
      ...atAgency.files,
      ['trusted/primary.key', secretFile(keyFileText(key.scalar))],
      [`${ENROLMENTS}/${registry.name}.json`, secretFile(enrolmentText({ token: registryToken }))],
    ]),
  };

  const tokens = new Map(plan.devices.map(({ name }) => [name, random(TOKEN_LENGTH)]));
  const identity = issueIdentity(agency, { name: registry.name, hosts: certifiedHosts(plan, registry.name) });
  const ordinary = server();
  const registryFiles: NewFiles = new Map([
    ...identity.files,
    ...ordinary.files,
    ...plan.devices.map(({ name, kind }): [string, NewFile] => [
      `${ENROLMENTS}/${name}.json`,
      secretFile(enrolmentText({ token: tokens.get(name)!, kind })),
    ]),
    [TOKEN, secretFile(keyFileText(registryToken))],
    [
      'party.json',
      publicFile(
        asJson({
          ...{ party: 'trusted-server', name: registry.name },
          listen: { host: plan.hostOf(registry.name), port: registry.port },
          communication: identity.communication,
          ...{ peers, ...ordinary.configuration, url: urlNamed(registry.name), primary: agencyUrl, token: TOKEN },
        }),
      ),
    ],
  ]);

  const parties = new Map<string, NewFiles>([[registry.name, registryFiles]]);
  for (const one of plan.devices) {
    const files = await deviceFiles(one, { ...options, urlNamed, builtIn, cards, token: tokens.get(one.name)! });
    parties.set(one.name, files);
  }
  return { primary, parties, builtIn };
}

interface DeviceOptions extends PartyOptions {
  readonly urlNamed: (name: string) => string;
  readonly builtIn: NewFile;
  readonly cards: CardsOfDevices;
  readonly token: Uint8Array;
}

async function deviceFiles(device: DevicePlan, options: DeviceOptions): Promise<NewFiles> {
  const { plan, agency, peers, random, urlNamed, builtIn, token, cards } = options;
  const { name, kind } = device;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const { file, pin, recoveryCode } = await personalised(kind, random);
  const others = plan.devices.filter((other) => other.name !== name);
  const configuration = {
    ...{ party: 'device', name },
    listen: { host: plan.hostOf(name), port: device.port },
    communication: identity.communication,
    ...{ peers, store: { kind: 'sqlite', directory: 'journals' }, url: urlNamed(name), kind },
    ...{ deviceFile: 'device.key', pin: 'pin', primaryKeys: PRIMARY_KEYS, server: urlNamed(plan.registry.name) },
    ...{ token: TOKEN, control: { host: '127.0.0.1', port: 0 } },
    devices: Object.fromEntries(others.map((other) => [other.name, urlNamed(other.name)])),
    ...(name === 'door' && { door: {} }),
    ...((name === 'opera' || kind === 'authority') && {
      cards: { network: cards.networkUrl, key: toHex(cards.key.x) },
    }),
    ...(name === 'opera' && { offers: 'offers.json' }),
    ...(kind === 'authority' && { authority: authorityOf(device, plan.devices, cards) }),
  };
  return new Map([
    ...identity.files,
    [PRIMARY_KEYS, builtIn],
    ['device.key', secretFile(file)],
    ['pin', secretFile(`${pin}\n`)],
    // For the demonstration: a person writes it down and keeps it elsewhere.
    ['recovery-code', secretFile(`${recoveryCode}\n`)],
    [TOKEN, secretFile(keyFileText(token))],
    ...(kind === 'authority' ? [[STORAGE_KEY, secretFile(keyFileText(random(KEY_LENGTH)))] as [string, NewFile]] : []),
    ...(kind === 'authority'
      ? [['people/ada.json', secretFile(asJson(personWith(cards.card)))] as [string, NewFile]]
      : []),
    ...(name === 'opera' ? [['offers.json', publicFile(asJson(OFFERS))] as [string, NewFile]] : []),
    ['party.json', publicFile(asJson(configuration))],
  ]);
}

/** What the bureau of the demonstration issues: only in person. */
const rulesFor = ({ card, nowMs }: CardsOfDevices) => [
  {
    ...{ wanted: "driver's licence", form: 'attestation', fields: ['name', 'address', 'birthDay'], validDays: 365 },
    ages: [{ name: 'over 18', from: 'birthDay', years: 18 }],
    remoteRenewals: 2,
  },
  {
    ...{ wanted: 'corporate seal', form: 'corporate-seal', fields: ['corporateName', 'address', 'taxpayerId'] },
    validDays: 365,
  },
  {
    ...{ wanted: 'proof of age', form: 'attestation', fields: [], validDays: 365, price: '2.50EUR' },
    ages: [
      { name: 'over 16', from: 'birthDay', years: 16 },
      { name: 'over 18', from: 'birthDay', years: 18 },
    ],
  },
  // Banks compare the month in which a card ends.
  {
    ...{ wanted: 'credit card', form: 'card', fields: ['brand', 'scheme', 'number', 'holder'] },
    validDays: daysUntilMonth(card.expiry, nowMs),
  },
];

function daysUntilMonth(expiry: string, nowMs: number): number {
  const beginsMs = Date.UTC(Number(expiry.slice(0, 4)), Number(expiry.slice(4)) - 1);
  return Math.floor(beginsMs / 86_400_000) - Math.floor(nowMs / 86_400_000);
}

/** For the bureau's data base, once its clerk records her. */
const personWith = ({ pan }: NewCard) => ({
  subject: 'ada',
  fields: {
    ...{ name: 'Ada Nyström', address: 'Västra Hamngatan 3, 411 17 Göteborg', birthDay: '2001-05-31' },
    ...{ corporateName: 'Nyström AB', taxpayerId: 'SE-5560000001' },
    ...{ brand: 'HANDSEL', scheme: 'credit', number: pan, holder: 'A NYSTROM' },
  },
});

/** What the opera of the demonstration sells. */
const OFFERS = [
  {
    ...{ sku: 'flute', pieces: 500, price: '89.00EUR' },
    ticket: {
      ...{ type: 'event', event: 'The Magic Flute', location: 'Handsel Opera, Utrecht' },
      ...{ at: '2030-05-04T17:30:00Z', seat: 'unreserved' },
    },
  },
  {
    ...{ sku: 'night-train', pieces: 200, price: '29.90EUR' },
    ticket: {
      ...{ type: 'transportation', carrier: 'Handsel Opera', tripNumber: 'Night 1' },
      ...{ departureAt: '2030-05-04T21:30:00Z', departurePlace: 'Utrecht', arrivalAt: '2030-05-05T06:00:00Z' },
      arrivalPlace: 'Berlin',
    },
  },
  {
    ...{ sku: 'live-radio', pieces: 10_000, price: '5.00EUR' },
    ticket: {
      ...{ type: 'communications', carrier: 'Handsel Opera', timePurchased: 3600, channel: 'live, 1' },
      decryptionKeys: [],
    },
  },
];

function authorityOf({ title = '' }: DevicePlan, devices: readonly DevicePlan[], cards: CardsOfDevices) {
  return {
    ...{ name: title, issues: "credentials of merchants, driver's licences and cards" },
    rules: rulesFor(cards),
    storageKey: STORAGE_KEY,
    merchants: devices.flatMap((one) => (one.kind === 'merchant' ? [{ device: one.name, name: one.title }] : [])),
  };
}

/** A PIN that is kept in a file is long, so that guessing it needs no price; a person's is short, and each guess has one. */
const LONG_PIN_BYTES = 18;
const CHEAP = { logN: 10 } as const;
const PIN_DIGITS = 6;

async function personalised(kind: DevicePlan['kind'], random: Random) {
  const kept: { content?: Uint8Array } = {};
  const file: DeviceFile = {
    read: async () => kept.content,
    write: async (content) => {
      kept.content = content;
    },
  };
  const person = kind === 'customer';
  const pin = person ? newPin(random) : Buffer.from(random(LONG_PIN_BYTES)).toString('base64url');
  const { recoveryCode } = await createDeviceFile({ file, pin, random, ...(!person && { cost: CHEAP }) });
  return { file: kept.content!, pin, recoveryCode };
}

function newPin(random: Random): string {
  const digits: number[] = [];
  // Bytes from 250 on would make some digits likelier than others.
  while (digits.length < PIN_DIGITS) digits.push(...[...random(PIN_DIGITS)].filter((byte) => byte < 250));
  return digits
    .slice(0, PIN_DIGITS)
    .map((byte) => byte % 10)
    .join('');
}

/** The files of the card network, in front of the operator's acquirer. */
export function cardNetworkFiles(
  options: PartyOptions & {
    readonly key: CompactKeyPair;
    readonly builtIn: NewFile;
    readonly url: string;
    readonly operator: string;
    /** Where it hears who is untrusted. */
    readonly server: string;
  },
): NewFiles {
  const { plan, agency, peers, random, key, builtIn, url, operator, server } = options;
  const { name, port } = plan.cards;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const configuration = {
    ...{ party: 'card-network', name, listen: { host: plan.hostOf(name), port } },
    communication: identity.communication,
    ...{ peers, store: { kind: 'sqlite', directory: 'journals' }, url, operator, server },
    ...{ privateKey: 'network.key', storageKey: STORAGE_KEY, primaryKeys: PRIMARY_KEYS },
  };
  return new Map([
    ...identity.files,
    ['network.key', secretFile(keyFileText(key.scalar))],
    [STORAGE_KEY, secretFile(keyFileText(random(KEY_LENGTH)))],
    [PRIMARY_KEYS, builtIn],
    ['party.json', publicFile(asJson(configuration))],
  ]);
}
