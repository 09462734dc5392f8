/** The process that `memory.ts` weighs: starts the operator of a configuration file, lets it settle, prints its resident bytes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startOperator } from '../src/party/operator.ts';
import { createLog } from '../src/transport/log.ts';

const SETTLE_MS = 3000;

const operator = await startOperator(process.argv[2] ?? '', { log: createLog({ name: 'bench', level: 'error' }) });
await sleep(SETTLE_MS);
process.stdout.write(`${process.memoryUsage.rss()}\n`);
await operator.close();
