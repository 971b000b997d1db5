import { type AnyPlan, drawAny } from './any-plan.js';

/** Numbers of drawn operations lie below; those of a continuation above, each seed's apart. */
const IDS_OF_ONE_PLAN = 10_000;

/**
 * The plan up to a moment, and behind it what another seed draws: the first `from` operations and the faults in them,
 * in the same world; what is drawn keeps its order and its time.
 */
export function forkPlan(plan: AnyPlan, from: number, seed: number): AnyPlan {
  const shift = IDS_OF_ONE_PLAN * (seed + 1);
  if (plan.profile === 'cluster') {
    const drawn = drawAny(seed, plan.profile);
    if (drawn.profile !== 'cluster') throw new Error('a cluster draws a cluster');
    const untilMs = plan.ops[from - 1]?.atMs ?? 0;
    const isLater = ({ atMs }: { readonly atMs: number }): boolean =>
      atMs > untilMs && atMs < plan.config.spanMs;
    const shifted = <T extends { readonly id: number; readonly atMs: number }>(all: readonly T[]): T[] =>
      all.filter(isLater).map((each) => ({ ...each, id: each.id + shift }));
    return {
      ...plan,
      ops: [...plan.ops.slice(0, from), ...shifted(drawn.ops)],
      faults: [...plan.faults.filter((fault) => !isLater(fault)), ...shifted(drawn.faults)],
    };
  }
  const drawn = drawAny(seed, plan.profile);
  if (drawn.profile === 'cluster') throw new Error('a store draws a store');
  const ops = plan.ops.slice(0, from);
  // The open that makes the store is that of the plan.
  const kept = new Set([0, ...ops.map(({ id }) => id)]);
  const rest = new Set(drawn.ops.map(({ id }) => id));
  return {
    ...plan,
    ops: [...ops, ...drawn.ops.map((op) => ({ ...op, id: op.id + shift }))],
    faults: [
      ...plan.faults.filter(({ at }) => kept.has(at.op)),
      ...drawn.faults.flatMap((fault) => {
        if (rest.has(fault.at.op)) return [{ ...fault, at: { ...fault.at, op: fault.at.op + shift } }];
        return fault.at.op === 0 ? [] : [fault];
      }),
    ],
  };
}
