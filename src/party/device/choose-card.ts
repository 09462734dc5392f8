/** Which card credential of a device pays: the one that its owner names by the beginning of its name, else the first that is good. */
import { HandselError } from '../../handsel-error.ts';
import type { DeviceDesk } from './device-desk.ts';

/** Gives the credential's name. @throws HandselError `CARD_UNKNOWN` */
export function chooseCard(desk: Pick<DeviceDesk, 'tickets'>, named: string | undefined): string {
  const cards = desk.tickets().filter(({ type, standing }) => type === 'card' && standing === 'good');
  const found = named === undefined ? cards[0] : cards.find(({ id }) => id.startsWith(named.toLowerCase()));
  if (found === undefined) throw new HandselError('CARD_UNKNOWN', 'this device holds no such card credential');
  return found.id;
}
