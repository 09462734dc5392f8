/** Where this command's password came from, for whoever tells that it opened nothing. Apart, because every command line asks for it. */
let source: string | undefined;

export function notePasswordSource(from: string): void {
  source = from;
}

/** Undefined where no password was asked for. */
export const passwordSource = (): string | undefined => source;
