import { parentPort, workerData } from 'node:worker_threads';
import { runSeeds, type SeedRange } from './run-seeds.js';
import type { RunFigures } from './tally.js';

/** Runs told of at a time, but for the first ones: a message for each would cost as much as a short run. */
const BATCH = 16;

const batch: RunFigures[] = [];
let told = 0;
const tellAll = (): void => {
  told += batch.length;
  parentPort?.postMessage(batch.splice(0));
};
await runSeeds(workerData as SeedRange, (run) => {
  batch.push(run);
  if (batch.length > Math.min(told, BATCH - 1) || run.failed !== null) tellAll();
});
tellAll();
