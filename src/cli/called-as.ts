/** How the program was called, so that every command we print can be typed as it stands: a clone has no `handsel` on the path. */

const BARE = 'handsel';
const THROUGH_NPM = 'npm run -s handsel --';
/** The scripts of our own package.json behind which a command line stands. */
const OWN_SCRIPTS = new Set(['start', 'handsel']);

/** The words before a command: `handsel` where that is on the path, `npm run -s handsel --` where npm started us. */
export function programCalled(environment: NodeJS.ProcessEnv = process.env): string {
  const { npm_package_name: name, npm_lifecycle_event: script = '' } = environment;
  return name === BARE && OWN_SCRIPTS.has(script) ? THROUGH_NPM : BARE;
}

/** What may follow the program's name: the commands of `command-table.ts`, which loads all that uses this, and what is none of them. */
const COMMAND =
  /(?<![\w./-])handsel (?=(?:start|network|run|agent|wallet|fetch|deposit|delivery|dispute|verify-ruling|statement|rates|tickets|papers|gate|agency|merchant|operator|negotiate|inspect|credentials|help|--help|\[options\])(?![\w-]))/g;

/** The same text, with `handsel send …` and the like as the program was called. */
export function asCalled(text: string, program = programCalled()): string {
  return program === BARE ? text : text.replace(COMMAND, `${program} `);
}
