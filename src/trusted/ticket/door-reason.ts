/** Why a door does not let somebody in: one word for programs, a sentence for the person who stands there. */
import { HandselError } from '../../handsel-error.ts';

const words = {
  unreadable: 'This is not a ticket.',
  reference: 'This only names a ticket: show the ticket itself, from the device that holds it.',
  forged: 'This ticket was made up: nobody who may issue tickets has signed it.',
  altered: 'This ticket was changed after it was issued.',
  'untrusted-issuer': 'Whoever issued this ticket is not trusted, or not any more.',
  'untrusted-holder': 'The device that shows this ticket was reported as copied or misused.',
  'not-the-holder': 'This ticket belongs to another device than the one that shows it.',
  'transferred-away': 'This ticket was given to somebody else before.',
  duplicate: 'With this ticket somebody was let in already.',
  used: 'This ticket is used up.',
  expired: 'This ticket is not good any more.',
  suspended: 'This ticket is suspended by its issuer.',
  revoked: 'This ticket was taken back by its issuer.',
  'in-use': 'This ticket is in use at another door right now.',
  'stale-code': 'This code is too old: have the device show a new one.',
  'early-code': 'This code is not good yet, or the clock of the device is wrong.',
  'another-door': 'This code is for another door.',
  'paper-not-taken': 'Codes on paper are not taken here: show the device.',
  'wrong-place': 'This ticket is for something else.',
  'too-early': 'This ticket is good, but not yet.',
};

export type DoorReason = keyof typeof words;

export const doorReasons = Object.keys(words) as readonly DoorReason[];

export const wordsOfReason = (reason: DoorReason): string => words[reason];

/** Thrown on the way of checking a code; never told to another device. */
export class DoorRefusal extends HandselError {
  readonly reason: DoorReason;

  constructor(reason: DoorReason, detail: string, cause?: unknown) {
    super('TICKET_TURNED_AWAY', detail, { cause });
    this.reason = reason;
  }
}
