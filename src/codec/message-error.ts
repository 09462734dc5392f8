/** A message that is not what its description says. */
import { HandselError } from '../handsel-error.ts';

export class MessageError extends HandselError {}
