import { type OpKind, type Plan, type PlanFault, type PlanOp, REPAIR_OP, type SaveOp } from './plan.js';
import { type RunResult, runPlan } from './run-plan.js';
import { nameCalls } from './name-calls.js';
import { type Lessening, type NumberInPlan, pick, smallestPlan } from './smallest-plan.js';

/** How long to try. */
export interface ShrinkOptions {
  /** Runs that may be spent. Default 2000. */
  readonly runsMax?: number;
}

/** A smaller plan that fails alike. */
export interface Shrunk {
  /** The smallest that was found. */
  readonly plan: Plan;
  /** What it comes to. */
  readonly result: RunResult;
  /** Runs that were spent. */
  readonly runs: number;
}

/**
 * Leaves out operations, faults and saves, and makes sizes smaller, for as long as the same oracle goes on finding
 * something. Each part of a plan draws from its own sub-seed, so that what stays does the same as before. At the end each
 * fault is put at the call that it met: a kind of call, and the file it is of.
 *
 * Loads the optional peer `fast-check`.
 */
export async function shrinkPlan(
  plan: Plan,
  failing: RunResult,
  options: ShrinkOptions = {},
): Promise<Shrunk> {
  const { runsMax = 2000 } = options;
  const oracle = failing.failure?.oracle;
  const run = async (smaller: Plan): Promise<RunResult | null> => {
    const result = await runPlan(smaller).catch(() => null);
    return result?.failure?.oracle === oracle ? result : null;
  };
  const shrunk = await smallestPlan({ plan, result: failing }, LESSENING, run, runsMax);
  const named = await nameCalls(shrunk.plan);
  const result = await run(named);
  return result === null ? shrunk : { plan: named, result, runs: shrunk.runs + 2 };
}

const LESSENING: Lessening<Plan> = {
  lists: ({ faults, ops }) => [
    { length: faults.length, least: 0 },
    { length: ops.length, least: 0 },
    ...ops.map((op) => ({
      length: savesOf(op).length,
      least: op.kind === 'burst' || op.kind === 'moved' ? 1 : 0,
    })),
  ],
  keep: (plan, [faults = [], ops = [], ...saves]) => {
    const left = ops.map((at) => {
      const op = plan.ops[at] as PlanOp;
      return withSaves(op, pick(savesOf(op), saves[at] ?? []));
    });
    // Faults of operations that are gone go with them.
    const ids = new Set([0, REPAIR_OP, ...left.map(({ id }) => id)]);
    const meant = pick(plan.faults, faults).filter(({ at }: PlanFault) => ids.has(at.op));
    return { ...plan, ops: left, faults: meant };
  },
  numbers: ({ ops }) => {
    const found: NumberInPlan[] = [];
    const note = (value: number, least: number): number => {
      found.push({ value, least });
      return value;
    };
    for (const op of ops) withSizes(op, note);
    return found;
  },
  put: (plan, numbers) => {
    const left = [...numbers];
    return { ...plan, ops: plan.ops.map((op) => withSizes(op, (value) => left.shift() ?? value)) };
  },
};

/** The least of each size; a smaller one of what is not named here would be another operation. */
const LEAST: Readonly<Partial<Record<OpKind, Readonly<Record<string, number>>>>> = {
  append: { count: 1, bytes: 0, raise: 0 },
  conflict: { depth: 1, count: 0, bytes: 0 },
  resend: { depth: 1, count: 0, bytes: 0 },
  truncate: { depth: 0 },
  mixed: { depth: 0, count: 0, bytes: 0, raise: 0 },
  vote: { raise: 0 },
  snapshot: { bytes: 0, chunks: 1 },
  install: { ahead: 0, bytes: 0, chunks: 1 },
  read: { count: 1 },
  wait: { ms: 0 },
};

/** The operation with its sizes as `size` says, and those of its saves, in the order in which they stand. */
function withSizes<Op extends PlanOp | SaveOp>(op: Op, size: (value: number, least: number) => number): Op {
  const leastOf = LEAST[op.kind] ?? {};
  const sized = (one: SaveOp | string): SaveOp | string =>
    typeof one === 'string' ? one : withSizes(one, size);
  const fields = Object.entries(op).map(([name, value]: [string, unknown]): [string, unknown] => {
    if (Array.isArray(value)) return [name, (value as (SaveOp | string)[]).map(sized)];
    const least = leastOf[name];
    return [name, typeof value === 'number' && least !== undefined ? size(value, least) : value];
  });
  return Object.fromEntries(fields) as Op;
}

/** The saves inside an operation. */
function savesOf(op: PlanOp): readonly SaveOp[] {
  if (op.kind === 'snapshot') return op.beside;
  if (op.kind === 'stream') return op.beside ?? [];
  if (op.kind === 'compact' || op.kind === 'beside') return op.saves ?? [];
  if (op.kind === 'reopen' || op.kind === 'squeeze') return op.saves ?? [];
  return hasSaves(op) ? op.saves : [];
}

function withSaves(op: PlanOp, saves: readonly SaveOp[]): PlanOp {
  if (op.kind === 'snapshot' || (op.kind === 'stream' && op.beside !== undefined))
    return { ...op, beside: saves };
  const mayHave =
    op.kind === 'reopen' || op.kind === 'squeeze' || op.kind === 'compact' || op.kind === 'beside';
  if (mayHave && op.saves !== undefined) return { ...op, saves };
  return hasSaves(op) ? { ...op, saves } : op;
}

function hasSaves(op: PlanOp): op is Extract<PlanOp, { kind: 'burst' | 'takeover' | 'moved' | 'copy' }> {
  return op.kind === 'burst' || op.kind === 'takeover' || op.kind === 'moved' || op.kind === 'copy';
}
