/** Where a party says how its owner reaches it: a file beside its configuration. */
import { dirname, join, resolve } from 'node:path';

export const CONTROL_FILE = 'control.json';

export const controlFileOf = (configurationFile: string): string =>
  join(dirname(resolve(configurationFile)), CONTROL_FILE);
