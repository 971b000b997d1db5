import { type Counters, newCounters, REACHED } from '../disk/calls/counters.js';
import { Trace } from '../world/trace.js';
import { type AnyResult, branchesOf, faultsOf } from './any-plan.js';

/** How often each branch ran, by its name. */
type Reach = Record<string, number>;

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
  AnyResult,
  'ops' | 'crashes' | 'calls' | 'virtualMs' | 'traceHash' | 'faults' | 'reach'
> & { readonly seed: number; readonly failed: FailedSeed | null };

/** Adds up runs that arrive in any order; their hashes are folded in order of seed. */
export class Tally {
  readonly faults: Counters = newCounters();
  readonly reach: Reach;
  readonly #profile: string;
  readonly #branches: readonly string[];
  readonly failed: FailedSeed[] = [];
  readonly #hashes: Map<number, number> = new Map<number, number>();
  scenarios = 0;
  ops = 0;
  crashes = 0;
  calls = 0;
  virtualMs = 0;

  constructor(profile: string) {
    this.#profile = profile;
    this.#branches = branchesOf(profile);
    this.reach = newReach(this.#branches);
  }

  add(run: RunFigures): void {
    this.scenarios += 1;
    this.ops += run.ops;
    this.crashes += run.crashes;
    this.calls += run.calls;
    this.virtualMs += run.virtualMs;
    this.#hashes.set(run.seed, run.traceHash);
    if (run.failed !== null) this.failed.push(run.failed);
    for (const name of REACHED) this.faults[name] += run.faults[name];
    for (const name of this.#branches) this.reach[name] = (this.reach[name] ?? 0) + (run.reach[name] ?? 0);
  }

  /** What runs of this profile can reach, and how much of it they have. */
  get reached(): { readonly count: number; readonly of: number } {
    const of = faultsOf(this.#profile).length + this.#branches.length;
    return { count: of - unreachedIn(this.#profile, this.faults, this.reach).length, of };
  }

  summary(seconds: number): Summary {
    const profile = this.#profile;
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
      unreached: unreachedIn(profile, faults, reach),
    };
  }
}

export function unreachedIn(profile: string, faults: Counters, reach: Reach): string[] {
  const branches = Object.keys(reach).filter((name) => reach[name] === 0);
  return [...faultsOf(profile).filter((name) => faults[name] === 0), ...branches];
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
  const branches = branchesOf(a.profile);
  const reach = newReach(branches);
  for (const part of [a, b]) {
    for (const name of REACHED) faults[name] += part.faults[name] ?? 0;
    for (const name of branches) reach[name] = (reach[name] ?? 0) + (part.reach[name] ?? 0);
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
    unreached: unreachedIn(a.profile, faults, reach),
  };
}

function newReach(branches: readonly string[]): Reach {
  return Object.fromEntries(branches.map((name) => [name, 0]));
}
