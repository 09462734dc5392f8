/**
 * Keeps what others chose to be called from steering the terminal: names, statements and refusals come from anywhere, and a terminal takes control
 * characters in them as orders (to hide lines, to rename windows, to fill the clipboard).
 */

/** Control characters, but a return at the end of a line, and what turns the direction of writing (Unicode Standard Annex 9). */
const STEERING = /(?!\r\n)[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** The colours in which symbols are drawn (`ticket-symbol.ts`): whoever writes them into a name changes nothing. */
const OWN = ['\u001b[97;40m', '\u001b[0m'] as const;

/** The same text with each of those characters, but tabs and ends of lines, as `\u001b`: visible to people, and in JSON the same string as before. */
export function harmless(text: string, [own, ...others]: readonly string[] = OWN): string {
  if (own === undefined) return text.replaceAll(STEERING, escaped);
  const parts = text.split(own).map((part) => harmless(part, others));
  return parts.join(own);
}

function escaped(letter: string): string {
  if (letter === '\n' || letter === '\t') return letter;
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** From now on text is written so; bytes are written as they are: what somebody fetches, and what moves our own lines. */
export function guardTerminal(stream: Pick<NodeJS.WriteStream, 'write'>): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: readonly unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: readonly unknown[]) =>
    write(typeof chunk === 'string' ? harmless(chunk) : chunk, ...rest);
}
