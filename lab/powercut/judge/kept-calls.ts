import type { ShownLog } from './shown-log.js';
import { firstDifference } from './first-difference.js';
import type { LogState } from '../model/model-log.js';
import { possibleStates, type Past } from '../model/past.js';

/** What an open showed is a state that is allowed, or how it differs from those that are. */
export type Judgement = { readonly kept: number; readonly state: LogState } | { readonly difference: string };

export function keptCalls(shown: ShownLog, past: Past): Judgement {
  const differences: string[] = [];
  for (const { kept, state } of possibleStates(past)) {
    const difference = firstDifference(shown, state);
    if (difference === null) return { kept, state };
    differences.push(`${kept} of ${past.calls.length} calls: ${difference}`);
  }
  return { difference: `no allowed state is shown; ${differences.slice(0, 4).join('; ')}` };
}
