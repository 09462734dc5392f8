/**
 * Brings money for an operator's customers as fast as it is booked (docs/scale.md), under the Node 24 that the project brought:
 *   node examples/scale/load.mjs --config scaled/south --seconds 60 --acknowledged acknowledged.txt
 */
import { launch } from '../../scripts/launch.mjs';
import { setUp } from '../../scripts/set-up.mjs';

try {
  const node = await setUp();
  await launch({ node, entry: 'examples/scale/bring-money.mjs', args: process.argv.slice(2) });
} catch (error) {
  process.stderr.write(`load: ${error.message}\n`);
  process.exitCode = 1;
}
