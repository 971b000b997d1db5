import { Random, subSeed } from '../world/random.js';

/** Classes of faults and of operations, each of which is off in some of the seeds: what always happens hides what follows. */
export const CLUSTER_CLASSES = [
  'kill',
  'power',
  'kill-power',
  'crash-many',
  'in-recovery',
  'cut',
  'rough',
  'late',
  'pause',
  'drift',
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
  'rot',
  'lost-disk',
  'lost-tail',
  'membership',
  'transfer',
] as const;

export type ClusterClass = (typeof CLUSTER_CLASSES)[number];

/** Share of the seeds in which a class is off. */
const OFF = 0.4;
/** Share of the seeds that go over budget. */
const OVER_BUDGET = 0.1;

export interface ClusterSwarm {
  readonly on: ReadonlySet<ClusterClass>;
  readonly isOverBudget: boolean;
}

export function drawClusterSwarm(seed: number): ClusterSwarm {
  // Each class from its own sub-seed: a class added later changes no other's.
  const on = CLUSTER_CLASSES.filter((name) => !new Random(subSeed(seed, name)).chance(OFF));
  return { on: new Set(on), isOverBudget: new Random(subSeed(seed, 'over budget')).chance(OVER_BUDGET) };
}
