/** The files of the system of trusted agents: the primary server's keys, an ordinary server, and devices with the tokens that introduce them. */
import { makeCompactKey } from '../crypto/compact-key.ts';
import type { Random } from '../crypto/random.ts';
import { createDeviceFile, type DeviceFile } from '../trusted/agent/device-file.ts';
import { enrolmentText, TOKEN_LENGTH } from './enrolments.ts';
import { issueIdentity } from './issue-for-party.ts';
import { KEY_LENGTH, keyFileText } from './key-file.ts';
import { type NewFile, type NewFiles, publicFile, secretFile } from './new-files.ts';
import { primaryKeysText } from './primary-keys.ts';
import { asJson, type PartyOptions } from './provision-bank.ts';
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

export async function trustedFiles(
  options: PartyOptions,
  urlNamed: (name: string) => string,
): Promise<{ readonly primary: PrimaryFiles; readonly parties: ReadonlyMap<string, NewFiles> }> {
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
    const files = await deviceFiles(one, { ...options, urlNamed, builtIn, token: tokens.get(one.name)! });
    parties.set(one.name, files);
  }
  return { primary, parties };
}

interface DeviceOptions extends PartyOptions {
  readonly urlNamed: (name: string) => string;
  readonly builtIn: NewFile;
  readonly token: Uint8Array;
}

async function deviceFiles(device: DevicePlan, options: DeviceOptions): Promise<NewFiles> {
  const { plan, agency, peers, random, urlNamed, builtIn, token } = options;
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
    ...(kind === 'authority' && { authority: authorityOf(device, plan.devices) }),
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
    ['party.json', publicFile(asJson(configuration))],
  ]);
}

/** What the bureau of the demonstration issues: only in person, and for nothing. */
const RULES = [
  {
    ...{ wanted: "driver's licence", form: 'attestation', fields: ['name', 'address', 'birthDay'], validDays: 365 },
    ages: [{ name: 'over 18', from: 'birthDay', years: 18 }],
    remoteRenewals: 2,
  },
  {
    ...{ wanted: 'corporate seal', form: 'corporate-seal', fields: ['corporateName', 'address', 'taxpayerId'] },
    validDays: 365,
  },
  { wanted: 'credit card', form: 'card', fields: ['brand', 'scheme', 'number', 'holder'], validDays: 730 },
];

function authorityOf({ title = '' }: DevicePlan, devices: readonly DevicePlan[]) {
  return {
    ...{ name: title, issues: "credentials of merchants, driver's licences and cards" },
    rules: RULES,
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
