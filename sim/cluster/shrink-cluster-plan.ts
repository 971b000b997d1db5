import { type Lessening, type ListInPlan, pick, smallestPlan } from '../plan/smallest-plan.js';
import type { ClusterFault, ClusterPlan } from './cluster-plan.js';
import { type ClusterRunResult, runClusterPlan } from './run-cluster-plan.js';

export interface ClusterShrinkOptions {
  /** Runs that may be spent. Default 800. */
  readonly runsMax?: number;
}

/** A smaller plan that fails alike. */
export interface ShrunkCluster {
  readonly plan: ClusterPlan;
  readonly result: ClusterRunResult;
  readonly runs: number;
}

/**
 * Leaves out faults and operations, and parts of faults, for as long as the same oracle goes on finding something.
 * Each part of a plan draws from its own sub-seed and has its own time, so that what stays does much the same as
 * before.
 */
export function shrinkClusterPlan(
  plan: ClusterPlan,
  failing: ClusterRunResult,
  options: ClusterShrinkOptions = {},
): Promise<ShrunkCluster> {
  const { runsMax = 800 } = options;
  const oracle = failing.failure?.oracle;
  const run = async (smaller: ClusterPlan): Promise<ClusterRunResult | null> => {
    const result = await runClusterPlan(smaller).catch(() => null);
    return result?.failure?.oracle === oracle ? result : null;
  };
  return smallestPlan({ plan, result: failing }, LESSENING, run, runsMax);
}

const LESSENING: Lessening<ClusterPlan> = {
  lists: ({ faults, ops }) => [
    { length: faults.length, least: 0 },
    { length: ops.length, least: 0 },
    ...faults.flatMap((fault) => partsOf(fault)),
  ],
  keep: (plan, [faults = [], ops = [], ...parts]) => {
    const lists = [...parts];
    const lesser = plan.faults.map((fault) => withParts(fault, lists.splice(0, partsOf(fault).length)));
    return { ...plan, ops: pick(plan.ops, ops), faults: pick(lesser, faults) };
  },
  // A size that is smaller moves all that comes behind it in time, and little stays as it was.
  numbers: () => [],
  put: (plan) => plan,
};

/** The parts of which a fault needs one: links, nodes, crashes of later opens. */
function partsOf(fault: ClusterFault): readonly ListInPlan[] {
  if (fault.kind === 'cut') return [{ length: fault.links.length, least: 1 }];
  if (fault.kind !== 'crash') return [];
  return [fault.nodes, fault.crashes].map(({ length }) => ({ length, least: 1 }));
}

function withParts(
  fault: ClusterFault,
  [first = [], second = []]: readonly (readonly number[])[],
): ClusterFault {
  if (fault.kind === 'cut') return { ...fault, links: pick(fault.links, first) };
  if (fault.kind !== 'crash') return fault;
  return { ...fault, nodes: pick(fault.nodes, first), crashes: pick(fault.crashes, second) };
}
