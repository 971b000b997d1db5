import { setImmediate as endOfTurn } from 'node:timers/promises';
import { type AnyResult, drawAny, type Profile, runAny } from './any-plan.js';
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
  const { failure, ops, crashes, calls, virtualMs, traceHash, faults, reach } = await runDrawn(seed, profile);
  const failed = failure === null ? null : { seed, profile, oracle: failure.oracle, what: failure.what };
  return { seed, failed, ops, crashes, calls, virtualMs, traceHash, faults, reach };
}

/** Without stacks, which most errors of a run are never asked for, and which cost it much; a run that fails is done again. */
export async function runDrawn(seed: number, profile: Profile): Promise<AnyResult> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await runAny(drawAny(seed, profile));
  } catch {
    Error.stackTraceLimit = stackTraceLimit;
    return await again(seed, profile);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function again(seed: number, profile: Profile): Promise<AnyResult> {
  try {
    return await runAny(drawAny(seed, profile));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`seed ${seed} of profile ${profile}: ${why}`, { cause });
  }
}
