/** A thread that runs one lane of `seal-lane.ts` and ends. */
import { workerData } from 'node:worker_threads';
import { runSealLane, type SealJob } from './seal-lane.ts';

await runSealLane(workerData as SealJob);
