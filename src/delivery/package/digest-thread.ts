/** A thread that follows a file with its digest, tells it, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Followed, followDigest } from './digest-follower.ts';

parentPort!.postMessage(followDigest(workerData as Followed));
