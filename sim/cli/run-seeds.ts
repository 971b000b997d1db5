import { setImmediate as endOfTurn } from 'node:timers/promises';
import { drawAny, type Profile, runAny } from './any-plan.js';
import type { StopFlag } from './interruption.js';
import type { RunFigures } from './tally.js';

/** Seeds of one worker: every `step`th from `from` on. */
export interface SeedRange {
  readonly from: number;
  readonly until: number;
  readonly step: number;
  readonly profile: Profile;
  /** Epoch milliseconds after which no further seed is begun. */
  readonly deadlineMs: number;
  readonly stop: StopFlag;
}

/** Runs seeds one by one and tells the figures of each. */
export async function runSeeds(range: SeedRange, tell: (run: RunFigures) => void): Promise<void> {
  const { from, until, step, profile, deadlineMs, stop } = range;
  const isOver = (): boolean => Date.now() >= deadlineMs || Atomics.load(stop, 0) !== 0;
  for (let seed = from; seed < until && !isOver(); seed += step) {
    tell(await runSeed(seed, profile));
    // A run never leaves the turn that it began in; a signal is told of between turns alone.
    await endOfTurn();
  }
}

async function runSeed(seed: number, profile: Profile): Promise<RunFigures> {
  try {
    const result = await runAny(drawAny(seed, profile));
    const { failure, ops, crashes, calls, virtualMs, traceHash, faults, reach } = result;
    const failed = failure === null ? null : { seed, profile, oracle: failure.oracle, what: failure.what };
    return { seed, failed, ops, crashes, calls, virtualMs, traceHash, faults, reach };
  } catch (cause) {
    throw new Error(
      `seed ${seed} of profile ${profile}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}
