/** Names that come from anywhere, on somebody's terminal. */
import { afterEach, describe, expect, it } from 'vitest';
import { harmless } from '../../src/cli/terminal.ts';
import { decodeCbor, encodeCbor } from '../../src/codec/cbor.ts';
import { componentsShape } from '../../src/trusted/ticket/components.ts';
import { sample } from '../trusted/ticket/samples.ts';
import { handsel, killAll } from './handsel-process.ts';

afterEach(killAll);

/** Fills the clipboard; renames the window; goes up and overwrites; the same as one C1 character; turns the direction of writing. */
const hostile = [
  '\u001b]52;c;cm0gLXJm\u0007',
  '\u001b]0;x\u0007',
  '\u001b[1A\rIN',
  '\u009b2J',
  '\u202egnp.exe',
  '\u0008\u007f',
];

describe('what others chose to be called', () => {
  it('does not steer the terminal, in an answer or in an error', async () => {
    for (const name of hostile) {
      const { err } = await handsel('inspect', `/nowhere/${name}`).ended;
      expect(err).toContain('/nowhere/');
      expect(err).not.toContain(name);
      expect(err.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
    }
  });

  it('stays what it is in JSON, and for people is shown as it is written there', () => {
    for (const name of hostile) {
      const json = JSON.stringify({ name });
      expect(JSON.parse(harmless(json))).toEqual({ name });
      expect(harmless(name)).toMatch(/^[\u0020-\u007e]+$/);
    }
    expect(harmless('a,b\r\nc\rd\r\n')).toBe('a,b\r\nc\\u000dd\r\n');
    expect(harmless('Käse\tfür\nzwei ✓ \u001b[97;40m█\u001b[0m')).toBe('Käse\tfür\nzwei ✓ \u001b[97;40m█\u001b[0m');
  });

  it('is no name of a ticket if it would look like other lines', () => {
    for (const event of ['The Magic Flute\nIN   Come in.', 'Flute\u2028NOT', ...hostile]) {
      const encoded = encodeCbor(componentsShape.encode({ ...sample('event'), event }));
      expect(() => componentsShape.decode(decodeCbor(encoded), 'ticket'), JSON.stringify(event)).toThrow(/one line/);
    }
  });
});
