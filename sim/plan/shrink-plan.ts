import type { Plan, PlanFault, PlanOp } from './plan.js';
import { type RunResult, runPlan } from './run-plan.js';

export interface ShrinkOptions {
  /** Runs that may be spent. Default 600. */
  readonly runsMax?: number;
}

/** A smaller plan that fails alike. */
export interface Shrunk {
  readonly plan: Plan;
  readonly result: RunResult;
  readonly runs: number;
}

/**
 * Leaves out operations and faults for as long as the same oracle goes on finding something (delta debugging:
 * halves, then quarters, down to one by one). Plans are data and each of their parts draws from its own sub-seed, so
 * that what stays does the same as before.
 */
export async function shrinkPlan(
  plan: Plan,
  failing: RunResult,
  options: ShrinkOptions = {},
): Promise<Shrunk> {
  const { runsMax = 600 } = options;
  const oracle = failing.failure?.oracle;
  let best = { plan, result: failing };
  let runs = 0;
  const tryPlan = async (smaller: Plan): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs += 1;
    const result = await runPlan(smaller).catch(() => null);
    if (result === null || result.failure?.oracle !== oracle) return false;
    best = { plan: smaller, result };
    return true;
  };
  for (let size = Infinity; size !== sizeOf(best.plan) && runs < runsMax;) {
    size = sizeOf(best.plan);
    await leaveOut(
      () => best.plan.faults,
      (faults) => tryPlan({ ...best.plan, faults }),
    );
    await leaveOut(
      () => best.plan.ops,
      (ops) => tryPlan(withOps(best.plan, ops)),
    );
    await leaveOutSaves(() => best.plan, tryPlan);
  }
  return { ...best, runs };
}

function sizeOf({ ops, faults }: Plan): number {
  const saves = ops.reduce((sum, op) => sum + ('saves' in op ? op.saves.length : 0), 0);
  return ops.length + faults.length + saves;
}

/** Faults of operations that are gone go with them. */
function withOps(plan: Plan, ops: readonly PlanOp[]): Plan {
  const ids = new Set(ops.map(({ id }) => id));
  const faults = plan.faults.filter(({ at }: PlanFault) => at.op === 0 || ids.has(at.op));
  return { ...plan, ops, faults };
}

/** Tries the list without each of its pieces, in ever smaller pieces. */
export async function leaveOut<Item>(
  items: () => readonly Item[],
  attempt: (left: readonly Item[]) => Promise<boolean>,
): Promise<void> {
  for (
    let piece = Math.ceil(items().length / 2);
    piece >= 1;
    piece = piece === 1 ? 0 : Math.ceil(piece / 2)
  ) {
    for (let at = items().length - piece; at > -piece;) {
      const from = Math.max(0, at);
      const left = [...items().slice(0, from), ...items().slice(at + piece)];
      if (left.length < items().length) await attempt(left);
      at -= piece;
    }
  }
}

/** Tries a burst with fewer saves in it. */
async function leaveOutSaves(plan: () => Plan, attempt: (plan: Plan) => Promise<boolean>): Promise<void> {
  for (const { id } of plan().ops) {
    const saves = () => {
      const op = plan().ops.find((other) => other.id === id);
      return op?.kind === 'burst' ? op.saves : [];
    };
    await leaveOut(saves, (left) => {
      const ops = plan().ops.map((op) => (op.id === id && op.kind === 'burst' ? { ...op, saves: left } : op));
      return left.length === 0 ? Promise.resolve(false) : attempt({ ...plan(), ops });
    });
  }
}
