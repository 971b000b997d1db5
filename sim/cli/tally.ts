import { type Counters, newCounters, REACHED } from '../disk/counters.js';
import type { RunResult } from '../plan/run-plan.js';
import { BRANCHES, newReach, type Reach } from '../store/reach.js';
import { Trace } from '../world/trace.js';

/** Version of the object that `--json` prints last. */
export const SCHEMA_VERSION = 1;

/** A seed whose run found something. */
export interface FailedSeed {
  readonly seed: number;
  readonly profile: string;
  readonly oracle: string;
  readonly what: string;
}

/** The runs of a range of seeds together; also what `--json` prints last, and what `--merge` reads. */
export interface Summary {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly profile: string;
  readonly seeds: { readonly from: number; readonly until: number };
  readonly scenarios: number;
  readonly ops: number;
  readonly crashes: number;
  readonly calls: number;
  readonly failures: number;
  readonly failed: readonly FailedSeed[];
  /** Of all runs, in order of seed, eight hexadecimal digits. */
  readonly traceHash: string;
  readonly seconds: number;
  readonly virtualSeconds: number;
  readonly faults: Counters;
  readonly reach: Reach;
  /** What never happened in all of these runs. */
  readonly unreached: readonly string[];
}

/** What one run adds to a tally; small enough to send between threads. */
export type RunFigures = Pick<
  RunResult,
  'ops' | 'crashes' | 'calls' | 'virtualMs' | 'traceHash' | 'faults' | 'reach'
> & { readonly seed: number; readonly failed: FailedSeed | null };

/** Adds up runs that arrive in any order; their hashes are folded in order of seed. */
export class Tally {
  readonly faults: Counters = newCounters();
  readonly reach: Reach = newReach();
  readonly failed: FailedSeed[] = [];
  readonly #hashes: Map<number, number> = new Map<number, number>();
  scenarios = 0;
  ops = 0;
  crashes = 0;
  calls = 0;
  virtualMs = 0;

  add(run: RunFigures): void {
    this.scenarios += 1;
    this.ops += run.ops;
    this.crashes += run.crashes;
    this.calls += run.calls;
    this.virtualMs += run.virtualMs;
    this.#hashes.set(run.seed, run.traceHash);
    if (run.failed !== null) this.failed.push(run.failed);
    for (const name of REACHED) this.faults[name] += run.faults[name];
    for (const name of BRANCHES) this.reach[name] += run.reach[name];
  }

  summary(profile: string, seconds: number): Summary {
    const seeds = [...this.#hashes.keys()].sort((a, b) => a - b);
    const trace = new Trace();
    for (const seed of seeds) trace.fold(this.#hashes.get(seed) ?? 0);
    const { scenarios, ops, crashes, calls, faults, reach } = this;
    return {
      schemaVersion: SCHEMA_VERSION,
      profile,
      seeds: { from: seeds[0] ?? 0, until: (seeds[seeds.length - 1] ?? -1) + 1 },
      scenarios,
      ops,
      crashes,
      calls,
      failures: this.failed.length,
      failed: [...this.failed].sort((a, b) => a.seed - b.seed),
      traceHash: trace.hash.toString(16).padStart(8, '0'),
      seconds: Math.round(seconds * 10) / 10,
      virtualSeconds: Math.round(this.virtualMs / 1000),
      faults,
      reach,
      unreached: unreachedIn(faults, reach),
    };
  }
}

export function unreachedIn(faults: Counters, reach: Reach): string[] {
  return [...REACHED.filter((name) => faults[name] === 0), ...BRANCHES.filter((name) => reach[name] === 0)];
}

/** Several shards as one; the hash folds theirs in the order in which their first seeds stand. */
export function mergeSummaries(parts: readonly Summary[]): Summary {
  const [first, ...others] = [...parts].sort((a, b) => a.seeds.from - b.seeds.from);
  if (first === undefined) throw new RangeError('nothing to merge');
  const trace = new Trace();
  for (const { traceHash } of [first, ...others]) trace.fold(Number.parseInt(traceHash, 16));
  const merged = others.reduce<Summary>((sum, part) => addSummary(sum, part), first);
  return { ...merged, traceHash: trace.hash.toString(16).padStart(8, '0') };
}

function addSummary(a: Summary, b: Summary): Summary {
  const faults = newCounters();
  const reach = newReach();
  for (const part of [a, b]) {
    for (const name of REACHED) faults[name] += part.faults[name] ?? 0;
    for (const name of BRANCHES) reach[name] += part.reach[name] ?? 0;
  }
  return {
    ...a,
    seeds: { from: Math.min(a.seeds.from, b.seeds.from), until: Math.max(a.seeds.until, b.seeds.until) },
    scenarios: a.scenarios + b.scenarios,
    ops: a.ops + b.ops,
    crashes: a.crashes + b.crashes,
    calls: a.calls + b.calls,
    failures: a.failures + b.failures,
    failed: [...a.failed, ...b.failed],
    // Shards run beside each other.
    seconds: Math.max(a.seconds, b.seconds),
    virtualSeconds: a.virtualSeconds + b.virtualSeconds,
    faults,
    reach,
    unreached: unreachedIn(faults, reach),
  };
}
