/** The one error of certificates, requests, revocation lists and paths; codes begin with `PKI_`. */
import { HandselError } from '../handsel-error.ts';

export class PkiError extends HandselError {}
