/**
 * `npm test`: set-up, system packages, then types, format and lint, dead code and every test, with one plain line at the end.
 * `npm test -- PATTERN…` runs the tests whose file matches, and nothing else.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool, setUp } from './set-up.mjs';
import { provideSystemPackages } from './system-packages.mjs';

const checks = [
  { name: 'types', tool: 'tsc', args: ['--noEmit'] },
  { name: 'format and lint', tool: 'biome', args: ['check', '.'] },
  { name: 'dead code', tool: 'knip', args: [] },
];

const patterns = process.argv.slice(2);
try {
  await setUp();
  const missing = await provideSystemPackages();
  const checked = patterns.length === 0 ? await runChecks() : [];
  const tests = await runTests(patterns);
  summarise({ checked, tests, missing });
} catch (error) {
  process.stderr.write(`handsel: ${error.message}\n`);
  process.exitCode = 1;
}

async function runChecks() {
  const results = [];
  for (const { name, tool, args } of checks) {
    process.stdout.write(`\n== ${name}: ${tool} ${args.join(' ')}\n`);
    results.push({ name, passed: (await runTool(tool, args)) === 0 });
  }
  return results;
}

async function runTests(wanted) {
  process.stdout.write('\n== tests: vitest run\n');
  const folder = mkdtempSync(join(tmpdir(), 'handsel-test-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await runTool('vitest', ['run', ...reporters, ...wanted]);
    return { code, ...countTests(report) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that fails before it names a test counts as one failure: it must not vanish from the sum. */
function countTests(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const brokenFiles = report.testResults.filter(
    (result) => result.status === 'failed' && !result.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function summarise({ checked, tests, missing }) {
  process.stdout.write('\n');
  for (const { name, passed } of checked) process.stdout.write(`${passed ? 'ok    ' : 'FAILED'}  ${name}\n`);
  process.stdout.write(`${tests.code === 0 ? 'ok    ' : 'FAILED'}  tests\n`);
  for (const { what, command } of missing)
    process.stdout.write(`skipped: tests with ${what}; to enable them: ${command}\n`);
  const badChecks = checked.filter((check) => !check.passed).length;
  // Vitest can fail without a failed test (an error between tests): the sum must not look green then.
  const failedTests = tests.failed === 0 && tests.code !== 0 ? 1 : tests.failed;
  const passed = tests.passed + checked.length - badChecks;
  const failed = failedTests + badChecks;
  if (checked.length > 0)
    process.stdout.write(`(the sum counts the ${checked.length} checks above the tests as one each)\n`);
  process.stdout.write(`${passed} passed, ${failed} failed, ${tests.skipped} skipped\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
