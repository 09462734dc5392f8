/** What a device that is no door says to whoever takes it for one. */
import { HandselError } from '../../handsel-error.ts';
import type { DoorDesk } from './door-desk.ts';

const refuse = (): never => {
  throw new HandselError('NO_DOOR', 'this device is no door: its configuration has no `door`');
};
const refuseLater = async () => refuse();

export const noDoor: DoorDesk = {
  scan: refuseLater,
  hear: () => {},
  events: refuse,
  book: refuseLater,
  scanFile: refuseLater,
  learnScans: refuseLater,
  learnMarks: refuseLater,
};
