/**
 * What `import … from 'handsel'` finds. A checkout, also one that npm has linked, is used as it stands; a copy below a node_modules folder
 * has been built, because Node strips no types there.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  throw new Error(
    `handsel is for programs that run under Node ${NEEDED} or later, and this is ${process.version}. ` +
      `npm brings one: npm install node@${NEEDED}, then npx node PROGRAM`,
  );
}
const isCopy = /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url));
const entry = new URL(isCopy ? '../dist/library/handsel.js' : '../src/library/handsel.ts', import.meta.url);
if (!existsSync(entry))
  throw new Error('this copy of handsel was not built: run `npm run build` where it was copied from');

export const { HandselError, openPurse, openTill } = await import(entry.href);
