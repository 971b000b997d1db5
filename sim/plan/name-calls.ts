import type { CallKind } from '../disk/calls/call-kinds.js';
import type { CallNotice } from '../disk/calls/calls-to-come.js';
import { type CallSelector, isMeant } from './meant-call.js';
import type { Plan, PlanFault } from './plan.js';
import { runPlan } from './run-plan.js';

/**
 * The plan with each fault at the very call that it met, named by what that call does and to which file, where it was
 * counted among many. The store may make other calls around it tomorrow, and the plan still means this one. A fault
 * that met no call stays as it was.
 */
export async function nameCalls(plan: Plan): Promise<Plan> {
  const named = new Map<PlanFault, PlanFault>();
  await runPlan(plan, {
    onMet: (fault, calls, disk) => {
      const met = calls[calls.length - 1] as CallNotice;
      const selector = selectorOf(met);
      const nth = calls.filter((call) => isMeant(call, selector, fault.kind, disk)).length;
      const { op, life } = fault.at;
      named.set(fault, { ...fault, at: { op, life, ...selector, nth } });
    },
  });
  return { ...plan, faults: plan.faults.map((fault) => named.get(fault) ?? fault) };
}

/** Names that say more about a call than the class that holds it. */
function selectorOf({ kind, path }: { readonly kind: CallKind; readonly path: string }): CallSelector {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return { on: kind === 'truncate' ? 'write' : kind, of: dot > 0 ? `*${name.slice(dot)}` : name };
}
