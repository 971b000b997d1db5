import type { PlantedBug } from '../planted-bug.js';

/** Bugs that do nothing where something should be done: found only by who asks that what should work does. */
export const OUTCOME_BUGS: readonly PlantedBug[] = [
  {
    number: 69,
    name: 'verify passes over every damage',
    rule: 'verify',
    hunks: [
      {
        file: 'src/raft-log/verify-store.ts',
        find: '    damage: damages,',
        put: '    damage: [],',
      },
    ],
  },
  {
    number: 70,
    name: 'no older snapshot ever stands in',
    rule: 'R8',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshots-at-open.ts',
        find: '=> index < named.index && joins(index, term);',
        put: '=> index < 0 && joins(index, term);',
      },
    ],
  },
  {
    number: 71,
    name: 'repair finds nothing to repair',
    rule: 'repair',
    hunks: [
      {
        file: 'src/raft-log/repair/repair-plan.ts',
        find: 'if (damages.length === 0) return idle(',
        put: 'if (damages.length >= 0) return idle(',
      },
    ],
  },
  {
    number: 76,
    name: 'that the log is unfit to vote is lost at a rotation',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/state/durable-state.ts',
        find: 'boundary: this.#boundary, unfitUntil, stable });',
        put: 'boundary: this.#boundary, unfitUntil: Math.min(unfitUntil, 0), stable });',
      },
    ],
  },
  {
    number: 77,
    name: 'fit to vote once the log is as long as it was',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/rules/judge-hard-state.ts',
        find: 'before.commit < view.unfitUntil',
        put: 'view.lastIndex < view.unfitUntil',
      },
    ],
  },
  {
    number: 78,
    name: 'said to be fit to vote by a commit that is only accepted',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: `    const { unfitUntil, hardState } = this.#durable;
    return hardState.commit >= unfitUntil`,
        put: `    const { unfitUntil } = this.#durable;
    return this.#accepted.hardState.commit >= unfitUntil`,
      },
    ],
  },
];
