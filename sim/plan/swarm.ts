import { Random, subSeed } from '../world/random.js';
import type { PlanProfile } from './plan.js';

/** Classes of faults, each of which is off in some of the seeds: what always happens hides what follows. */
export const FAULT_CLASSES = [
  'kill',
  'power',
  'kill-power',
  'sync-error',
  'write-error',
  'read-error',
  'name-error',
  'no-space',
  'too-many-open-files',
  'short',
  'slow',
  'eviction',
  'full-disk',
  'lock-lost',
  'moved-away',
  'rot',
  'in-recovery',
  'rollback',
] as const;

export type FaultClass = (typeof FAULT_CLASSES)[number];

/** Share of the seeds in which a class is off. */
const OFF = 0.4;

/** What a scenario may suffer, and how its operations lean. */
export interface Swarm {
  readonly on: ReadonlySet<FaultClass>;
  readonly isOverBudget: boolean;
  /** Probability of a crash in an operation. */
  readonly crashRate: number;
  /** Probability of a failing call in an operation. */
  readonly errorRate: number;
  /** Entry sizes lean to this many bytes. */
  readonly entryBytes: number;
  /** How often an operation concerns snapshots and compaction rather than saves. */
  readonly snapshotWeight: number;
}

export function drawSwarm(seed: number, profile: PlanProfile): Swarm {
  // Each class from its own sub-seed: a class added later changes no other's.
  const on = FAULT_CLASSES.filter((name) => !new Random(subSeed(seed, name)).chance(OFF));
  const random = new Random(subSeed(seed, 'lean'));
  return {
    on: new Set(on),
    isOverBudget: profile === 'over-budget',
    crashRate: random.pick([0.1, 0.2, 0.2, 0.35]),
    errorRate: random.pick([0, 0.03, 0.06, 0.15]),
    entryBytes: random.pick([16, 64, 200, 700]),
    snapshotWeight: random.pick([0.5, 1, 1, 3]),
  };
}
