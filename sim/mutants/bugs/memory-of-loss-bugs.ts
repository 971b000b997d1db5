import type { PlantedBug } from '../planted-bug.js';

/** Bugs by which a log that has lost something, or was ended cleanly, is taken for another. */
export const MEMORY_OF_LOSS_BUGS: readonly PlantedBug[] = [
  {
    number: 170,
    name: 'a repair forgets that the log was unfit to vote before',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/repair/repair-plan.ts',
        find: 'const unfitBefore = survey.pieces.reduce((until, { state }) => Math.max(until, state.unfitUntil), 0);',
        put: 'const unfitBefore = 0;',
      },
    ],
  },
  {
    number: 171,
    name: 'that the log is unfit to vote is lost in a clone',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/copies/clone-raft-log.ts',
        find: 'const start = durable.copy();',
        put: 'const start = durable.copy();\n  start.unfitUntil = 0;',
      },
    ],
  },
  {
    number: 172,
    name: 'that the log is unfit to vote is lost in a checkpoint that names no segment',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/copies/write-checkpoint.ts',
        find: 'const state = durable.copy();',
        put: 'const state = durable.copy();\n  state.unfitUntil = 0;',
      },
    ],
  },
  {
    number: 173,
    name: 'a repair that gives something up keeps the vote',
    rule: 'unfit to vote',
    hunks: [
      {
        file: 'src/raft-log/repair/repair-plan.ts',
        find: ': giveUpVotes(promised.highestTerm, commit, Math.max(unfitBefore, given));',
        put: ': {\n        ...giveUpVotes(promised.highestTerm, commit, Math.max(unfitBefore, given)),\n        hardState: { term: promised.highestTerm, vote: before.vote, commit },\n      };',
      },
    ],
  },
  {
    number: 174,
    name: 'the mark of a clean end stays behind the next open',
    rule: 'R10',
    hunks: [
      {
        file: 'src/wal/open-segmented-log.ts',
        find: 'epoch: this.#tally.epoch, nonce, isCleanEnd: false',
        put: 'epoch: this.#tally.epoch, nonce',
      },
    ],
  },
  {
    number: 175,
    name: 'small values lost in a repair',
    rule: 'repair',
    hunks: [
      {
        file: 'src/raft-log/repair/rebuild-log.ts',
        find: 'const stable = piece?.state.stable ?? NO_VALUES;',
        put: 'const stable = NO_VALUES;',
      },
    ],
  },
  {
    number: 176,
    name: 'the kind of entries that are saved again is lost',
    rule: 'clones, repair',
    hunks: [
      {
        file: 'src/raft-log/state/refill.ts',
        find: 'this.#waiting.push(entry);',
        put: 'this.#waiting.push({ index: entry.index, term: entry.term, data: entry.data });',
      },
    ],
  },
];
