import { parentPort, workerData } from 'node:worker_threads';
import { runSeeds, type SeedRange } from './run-seeds.js';
import type { RunFigures } from './tally.js';

/** Runs told of at a time: a message for each would cost as much as a short run. */
const BATCH = 16;

const batch: RunFigures[] = [];
const tellAll = (): void => {
  parentPort?.postMessage(batch.splice(0));
};
await runSeeds(workerData as SeedRange, (run) => {
  batch.push(run);
  if (batch.length >= BATCH || run.failed !== null) tellAll();
});
tellAll();
