#!/usr/bin/env node
/** The `handsel` command: the command line of src/cli under Node 24, from any folder. */
import { launch } from '../scripts/launch.mjs';
import { findNode, setUp } from '../scripts/set-up.mjs';

try {
  const node = findNode() ?? (await setUp());
  await launch({ node, entry: 'src/cli/main.ts', args: process.argv.slice(2) });
} catch (error) {
  process.stderr.write(`handsel: ${error.message}\n`);
  process.exitCode = 1;
}
