import { AIMED_BUGS } from './bugs/aimed-bugs.js';
import { CLEAN_END_BUGS } from './bugs/clean-end-bugs.js';
import { CLUSTER_BUGS } from './bugs/cluster-bugs.js';
import { COMBINATION_BUGS } from './bugs/combination-bugs.js';
import { ENDING_BUGS } from './bugs/ending-bugs.js';
import { HEARD_BUGS } from './bugs/heard-bugs.js';
import { LOG_BUGS } from './bugs/log-bugs.js';
import { MEMORY_OF_LOSS_BUGS } from './bugs/memory-of-loss-bugs.js';
import { ORDER_BUGS } from './bugs/order-bugs.js';
import { OUTCOME_BUGS } from './bugs/outcome-bugs.js';
import { RAFT_BUGS } from './bugs/raft-bugs.js';
import { RECOVERY_BUGS } from './bugs/recovery-bugs.js';
import { REPAIR_BUGS } from './bugs/repair-bugs.js';
import { ROLLBACK_BUGS } from './bugs/rollback-bugs.js';
import { SESSION_BUGS } from './bugs/session-bugs.js';
import { SUCCESSION_BUGS } from './bugs/succession-bugs.js';
import { SYNC_BUGS } from './bugs/sync-bugs.js';
import { TOLD_BUGS } from './bugs/told-bugs.js';
import { VIEW_BUGS } from './bugs/view-bugs.js';
import type { PlantedBug } from './planted-bug.js';

/** All planted bugs, in order of their numbers. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...SYNC_BUGS,
  ...RECOVERY_BUGS,
  ...LOG_BUGS,
  ...CLUSTER_BUGS,
  ...RAFT_BUGS,
  ...COMBINATION_BUGS,
  ...ROLLBACK_BUGS,
  ...ORDER_BUGS,
  ...OUTCOME_BUGS,
  ...SESSION_BUGS,
  ...CLEAN_END_BUGS,
  ...VIEW_BUGS,
  ...SUCCESSION_BUGS,
  ...MEMORY_OF_LOSS_BUGS,
  ...AIMED_BUGS,
  ...TOLD_BUGS,
  ...ENDING_BUGS,
  ...HEARD_BUGS,
  ...REPAIR_BUGS,
].sort((a, b) => a.number - b.number);
