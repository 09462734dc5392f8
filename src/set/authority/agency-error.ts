/** What the agency refuses to do; codes begin with `AGENCY_`. */
import { HandselError } from '../../handsel-error.ts';

export class AgencyError extends HandselError {}
