/** What a platform refuses to do for an owner or another agent. */
import { HandselError } from '../../handsel-error.ts';

export class PlatformError extends HandselError {}
