import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CliOptions } from './options.js';
import type { StopFlag } from './interruption.js';
import { runSeeds, type SeedRange } from './run-seeds.js';
import type { RunFigures } from './tally.js';

/** Spreads the seeds of this shard over the jobs that were asked for; rejects with a fault of the simulator. */
export async function spreadSeeds(
  options: CliOptions,
  stop: StopFlag,
  tell: (run: RunFigures) => void,
): Promise<void> {
  const { from, until, shard, jobs, profile, minutes } = options;
  const deadlineMs = minutes === null ? Infinity : Date.now() + minutes * 60_000;
  const ranges = Array.from({ length: jobs }, (_, job): SeedRange => {
    const first = from + (shard.index - 1) + job * shard.count;
    return { from: first, until, step: shard.count * jobs, profile, deadlineMs, stop };
  });
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined) return runSeeds(only, tell);
  await Promise.all(ranges.map((range) => runInWorker(range, tell)));
}

async function runInWorker(range: SeedRange, tell: (run: RunFigures) => void): Promise<void> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: range });
  worker.on('message', (runs: readonly RunFigures[]) => {
    for (const run of runs) tell(run);
  });
  // `once` rejects with what the worker threw.
  const [code] = (await once(worker, 'exit')) as [number];
  if (code !== 0) throw new Error(`a worker ended with ${code}`);
}
