/** How commands talk to a running device of the home: over its owner's endpoint. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HandselError } from '../handsel-error.ts';
import { type DeviceConfiguration, readConfiguration } from '../party/configuration/configuration.ts';
import { CONTROL_FILE } from '../party/configuration/control-file.ts';
import { readNetwork } from '../party/configuration/network-home.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';
import { ownerClient, requireStationFolder, type StationClient } from './station-client.ts';

export interface DeviceOptions extends GlobalOptions {
  readonly device?: string;
}

export interface OwnDevice extends StationClient {
  readonly name: string;
  readonly folder: string;
  readonly configuration: DeviceConfiguration;
}

/**
 * The device named by `--device` or HANDSEL_DEVICE, else the first of the home that is meant.
 * @throws HandselError `NETWORK_MISSING`, `DEVICE_UNKNOWN` or `DEVICE_NOT_RUNNING`
 */
export function ownDevice(options: DeviceOptions, meant: (configuration: DeviceConfiguration) => boolean): OwnDevice {
  const found = chooseDevice(options, meant);
  const { name } = found;
  const client = ownerClient(join(found.folder, CONTROL_FILE), {
    code: 'DEVICE_NOT_RUNNING',
    message: `the device ${name} is not running: start the network with \`npm start\`, or \`handsel run device --config ${found.folder}\``,
  });
  return { ...client, ...found };
}

/** The same without asking whether it runs. */
export function chooseDevice(options: DeviceOptions, meant: (configuration: DeviceConfiguration) => boolean) {
  const named = options.device ?? process.env.HANDSEL_DEVICE;
  const devices = devicesIn(options);
  const found = devices.find(({ name, configuration }) =>
    named === undefined ? meant(configuration) : name === named,
  );
  if (found !== undefined) return found;
  const names = devices.map(({ name }) => name).join(', ') || 'none';
  throw new HandselError(
    'DEVICE_UNKNOWN',
    named === undefined
      ? `no device in ${homeFolder(options)} is meant for that: there are ${names}`
      : `no device ${named} in ${homeFolder(options)}: there are ${names}`,
  );
}

export const isPersons = ({ kind }: DeviceConfiguration): boolean => kind === 'customer';
export const isDoor = ({ door }: DeviceConfiguration): boolean => door !== undefined;
export const isAuthority = ({ kind }: DeviceConfiguration): boolean => kind === 'authority';
export const isIssuer = ({ kind, door }: DeviceConfiguration): boolean => kind === 'merchant' && door === undefined;

function devicesIn(options: GlobalOptions) {
  const home = homeFolder(options);
  const network = readNetwork(home);
  if (network === undefined) requireStationFolder(options);
  return (network?.parties ?? [])
    .filter(({ party, configuration }) => party === 'device' && existsSync(join(home, configuration)))
    .map(({ name, configuration: file }) => ({
      ...{ name, folder: join(home, name) },
      configuration: readConfiguration('device', join(home, file)).configuration,
    }));
}
