/** Which tests show which ID of docs/conformance.json, and how that is printed. */

const idPattern = /\[((?:KPN|ERI|FT|CITI)-[A-Z]?\d*)\]/g;

/** The IDs that a test name carries in square brackets, each once. */
export function idsIn(text) {
  return [...new Set(Array.from(text.matchAll(idPattern), (match) => match[1]))];
}

/**
 * An ID passes when at least one test carries it and all that carry it pass.
 * @throws Error when a test names an ID that does not exist: a slip of the pen would otherwise count for nothing, silently.
 */
export function judge(asked, tests) {
  const known = new Map(asked.map(({ id }) => [id, []]));
  for (const test of tests) {
    for (const id of idsIn(test.name)) {
      const shown = known.get(id);
      if (shown === undefined)
        throw new Error(`the test "${test.name}" in ${test.file} names ${id}, which is no ID of docs/conformance.json`);
      shown.push(test);
    }
  }
  return asked.map(({ id, asks }) => {
    const shown = known.get(id);
    return { id, asks, passed: shown.length > 0 && shown.every(({ passed }) => passed), tests: shown };
  });
}

/** Plain text: one block an ID, then the count. */
export function tableOf(results) {
  const lines = results.flatMap(({ id, asks, passed, tests }) => [
    `${id.padEnd(9)}${stateOf(passed, tests).padEnd(11)}${asks}`,
    ...tests.map((test) => `${' '.repeat(20)}${test.passed ? '✓' : '✗'} ${test.name}  (${test.file})`),
  ]);
  const families = [...new Set(results.map(({ id }) => id.slice(0, id.indexOf('-'))))];
  const counts = families.map((family) => {
    const own = results.filter(({ id }) => id.startsWith(`${family}-`));
    return `${family} ${own.filter(({ passed }) => passed).length} of ${own.length}`;
  });
  const passed = results.filter((result) => result.passed).length;
  return `${lines.join('\n')}\n\n${counts.join(', ')}\n${passed} of ${results.length} IDs shown and passing\n`;
}

function stateOf(passed, tests) {
  if (passed) return 'passes';
  return tests.length === 0 ? 'no test' : 'FAILS';
}
