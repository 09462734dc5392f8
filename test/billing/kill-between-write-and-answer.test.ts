/** Real processes that are killed: between the writing of a record and its acknowledgement, and at any moment at all. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { schemaFaults } from './schema-judge.ts';

const program = fileURLToPath(new URL('killed-book.ts', import.meta.url));
const COUNT = 12;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** How it ended: 0, or the signal. */
function run(folder: string, killAt: number, started?: (child: ChildProcess) => void): Promise<unknown> {
  const child = spawn(process.execPath, [program, folder, String(COUNT), String(killAt)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  started?.(child);
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
}

async function expectEachOnce(folder: string): Promise<void> {
  const filesIn = (part: string) =>
    readdirSync(join(folder, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  const ids = Array.from({ length: COUNT }, (_, at) => `north.${at + 1}.1`).sort();
  const lines = filesIn('csv').flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\r\n').slice(1));
  expect(lines.map((line) => line.split(',')[0]!.replace('withdrawal:', '')).sort()).toEqual(ids);
  for (const message of ['camt.054', 'pacs.008']) {
    const files = filesIn(`iso/${message}`);
    expect(files.map((file) => /withdrawal_3a(.*)\.xml$/.exec(file)?.[1]).sort()).toEqual(ids);
    const documents = files.map((file) => readFileSync(file, 'utf8'));
    expect(await schemaFaults(documents)).toEqual([]);
    expect(new Set(documents.map((document) => /<MsgId>(.*)<\/MsgId>/.exec(document)?.[1])).size).toBe(COUNT);
  }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-kill-'));
  folders.push(folder);
  return folder;
}

test.each([1, 2, 13, 24])(
  'killed when the record was written %i times and not acknowledged, it is written once',
  async (killAt) => {
    const folder = newFolder();
    expect(await run(folder, killAt)).toBe('SIGKILL');
    expect(await run(folder, 0)).toBe(0);
    await expectEachOnce(folder);
  },
  60_000,
);

test('killed again and again at any moment, every record is written once, and whole', async () => {
  const folder = newFolder();
  for (const afterMs of [300, 400, 450, 500, 550, 600]) {
    await run(folder, 0, (child) => setTimeout(() => child.kill('SIGKILL'), afterMs));
  }
  expect(await run(folder, 0)).toBe(0);
  await expectEachOnce(folder);
}, 60_000);
