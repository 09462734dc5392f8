/** The one base class of every error this software throws on purpose; `code` is a stable literal that peers and programs may rely on. */

export interface HandselErrorOptions {
  readonly cause?: unknown;
  /** Facts for whoever reads the log: never secrets, never message bodies. */
  readonly detail?: Readonly<Record<string, string | number | bigint | boolean>>;
}

export class HandselError extends Error {
  readonly code: string;
  readonly detail: Readonly<Record<string, string | number | bigint | boolean>>;

  constructor(code: string, message: string, options: HandselErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/**
 * Any failure of a cryptographic check, as a peer may see it.
 * The code and the message are the same for every cause (decoding, decryption, path, signature), so that nobody can use
 * the difference as an oracle (notes on SET, fix 12); the true reason travels in `cause` to the private log only.
 */
export class CryptographicError extends HandselError {
  constructor(cause: unknown) {
    super('CRYPTOGRAPHIC_FAILURE', 'a cryptographic check failed', { cause });
  }
}
