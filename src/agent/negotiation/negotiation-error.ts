/** What can be wrong with negotiation material from outside: domains, profiles, bids, settings. */
import { HandselError } from '../../handsel-error.ts';

export class NegotiationError extends HandselError {}
