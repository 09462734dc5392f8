/**
 * `npm run conformance`: runs the tests whose names carry `[ID]` and prints, for every ID of docs/conformance.json, what it
 * asks, the tests that show it and whether they pass. With `--json` standard output holds the same as one JSON array.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { idsIn, judge, tableOf } from './conformance-table.mjs';
import { projectRoot, runTool, setUp } from './set-up.mjs';
import { provideSystemPackages } from './system-packages.mjs';

const asJson = process.argv.includes('--json');
try {
  await setUp();
  await provideSystemPackages();
  const asked = JSON.parse(readFileSync(join(projectRoot, 'docs', 'conformance.json'), 'utf8'));
  const files = testFilesWithIds();
  const { code, tests } = files.length === 0 ? { code: 0, tests: [] } : await runTests(files);
  const results = judge(asked, tests);
  process.stdout.write(asJson ? `${JSON.stringify(results, null, 2)}\n` : tableOf(results));
  // IDs nobody works on yet are no failure; a red test, or a file that could not be loaded, is one.
  process.exitCode = code === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`handsel: ${error.message}\n`);
  process.exitCode = 1;
}

/** Only the files that name an ID at all are loaded: the others cost time and can show nothing. */
function testFilesWithIds() {
  const folder = join(projectRoot, 'test');
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((file) => idsIn(readFileSync(file, 'utf8')).length > 0);
}

/** Vitest's exit code and every test that ran, as `{ name, file, passed }`; the run itself is shown on standard error. */
async function runTests(files) {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-conformance-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const args = ['run', ...reporters, '--testNamePattern', '\\[(KPN|ERI|FT|CITI)-', ...files];
    const code = await runTool('vitest', args, { stdio: ['ignore', 2, 2] });
    return { code, tests: JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(testsOf) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A test that was skipped did not pass; one that the name pattern left out carries no ID and is dropped later. */
function testsOf({ name: path, assertionResults }) {
  const file = relative(projectRoot, path).split(sep).join('/');
  return assertionResults.map(({ fullName, status }) => ({ name: fullName, file, passed: status === 'passed' }));
}
