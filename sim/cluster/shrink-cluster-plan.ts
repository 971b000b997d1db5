import { leaveOut } from '../plan/shrink-plan.js';
import type { ClusterFault, ClusterPlan } from './cluster-plan.js';
import { type ClusterRunResult, runClusterPlan } from './run-cluster-plan.js';

export interface ClusterShrinkOptions {
  /** Runs that may be spent. Default 500. */
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
export async function shrinkClusterPlan(
  plan: ClusterPlan,
  failing: ClusterRunResult,
  options: ClusterShrinkOptions = {},
): Promise<ShrunkCluster> {
  const { runsMax = 500 } = options;
  const oracle = failing.failure?.oracle;
  let best = { plan, result: failing };
  let runs = 0;
  const tryPlan = async (change: Partial<ClusterPlan>): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs += 1;
    const smaller = { ...best.plan, ...change };
    const result = await runClusterPlan(smaller).catch(() => null);
    if (result === null || result.failure?.oracle !== oracle) return false;
    best = { plan: smaller, result };
    return true;
  };
  for (let size = Infinity; size !== sizeOf(best.plan) && runs < runsMax;) {
    size = sizeOf(best.plan);
    await leaveOut(
      () => best.plan.faults,
      (faults) => tryPlan({ faults }),
    );
    await leaveOut(
      () => best.plan.ops,
      (ops) => tryPlan({ ops }),
    );
    await leaveOutParts(
      () => best.plan.faults,
      (faults) => tryPlan({ faults }),
    );
  }
  return { ...best, runs };
}

function sizeOf({ ops, faults }: ClusterPlan): number {
  return ops.length + faults.reduce((sum, fault) => sum + 1 + partsOf(fault).length, 0);
}

/** The parts that a fault can do without: crashes of later opens, nodes, links. */
function partsOf(fault: ClusterFault): readonly unknown[] {
  if (fault.kind === 'cut') return fault.links.slice(1);
  return fault.kind === 'crash' ? [...fault.nodes.slice(1), ...fault.crashes.slice(1)] : [];
}

async function leaveOutParts(
  faults: () => readonly ClusterFault[],
  attempt: (faults: readonly ClusterFault[]) => Promise<boolean>,
): Promise<void> {
  for (const { id } of faults()) {
    for (let at = 0; ; at += 1) {
      const fault = faults().find((other) => other.id === id);
      const lesser = fault === undefined ? null : without(fault, at);
      if (lesser === null) break;
      await attempt(faults().map((other) => (other.id === id ? lesser : other)));
    }
  }
}

/** The fault without one of its parts, counted from the last; null if there are no more. */
function without(fault: ClusterFault, at: number): ClusterFault | null {
  if (fault.kind === 'cut') {
    const left = fault.links.toSpliced(fault.links.length - 1 - at, 1);
    return at < fault.links.length - 1 ? { ...fault, links: left } : null;
  }
  if (fault.kind !== 'crash') return null;
  const { crashes, nodes } = fault;
  if (at < crashes.length - 1) return { ...fault, crashes: crashes.toSpliced(crashes.length - 1 - at, 1) };
  const node = at - (crashes.length - 1);
  return node < nodes.length - 1 ? { ...fault, nodes: nodes.toSpliced(nodes.length - 1 - node, 1) } : null;
}
