/** `npm run example own-server/node-http.mjs -- --config FILE`: an example under Node 24, whatever the machine has. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './launch.mjs';
import { projectRoot, setUp } from './set-up.mjs';

const [name = '', ...args] = process.argv.slice(2);
const entry = join('examples', name);

try {
  if (!name.endsWith('.mjs') || !existsSync(join(projectRoot, entry))) {
    throw new Error('say which one, by its place below examples/, such as own-server/node-http.mjs');
  }
  await launch({ node: await setUp(), entry, args });
} catch (error) {
  process.stderr.write(`example: ${error.message}\n`);
  process.exitCode = 1;
}
