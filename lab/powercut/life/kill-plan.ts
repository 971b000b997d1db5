import type { Environment } from '../../../src/index.js';
import type { Random } from '../random.js';
import { hooked } from './hooked-environment.js';

/** When a writer kills itself, counted in calls of its disk. */
export interface KillPlan {
  /** `sync`: only syncs are counted, and it dies between a write and its sync. */
  readonly at: 'call' | 'sync' | 'never';
  readonly count: number;
}

/** Calls of the disk that an open of a small store makes. */
const CALLS_OF_AN_OPEN = 60;

/** A third while it opens, a third between a write and its sync. */
export function drawKill(random: Random): KillPlan {
  const kind = random.between(0, 6);
  if (kind < 2) return { at: 'call', count: random.between(1, CALLS_OF_AN_OPEN) };
  if (kind < 4) return { at: 'sync', count: random.between(1, random.one([20, 60, 300])) };
  if (kind < 6) return { at: 'call', count: random.between(CALLS_OF_AN_OPEN, 1500) };
  return { at: 'never', count: 0 };
}

/** Behind the open, as a rule: that syncs a dozen times. */
export function killBeforeSync(random: Random): KillPlan {
  return { at: 'sync', count: random.between(12, 90) };
}

export function dying(environment: Environment, plan: KillPlan): Environment {
  let left = plan.count;
  return hooked(environment, {
    before: (call) => {
      if (plan.at === 'never' || (plan.at === 'sync' && call !== 'sync')) return;
      left -= 1;
      // Nothing runs behind this line.
      if (left === 0) process.kill(process.pid, 'SIGKILL');
    },
  });
}
