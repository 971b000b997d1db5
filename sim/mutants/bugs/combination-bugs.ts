import type { PlantedBug } from '../planted-bug.js';

const ENCODE = 'src/raft-log/state/encode-save.ts';

/**
 * Bugs that show only where several things meet: the parts of one save, a close and what is under way, a stream and
 * the saves beside it. A search that draws each alone finds none of them.
 */
export const COMBINATION_BUGS: readonly PlantedBug[] = [
  {
    number: 40,
    name: 'vote saved with entries of the same term not written',
    rule: 'D1',
    hunks: [
      {
        file: ENCODE,
        find: '  if (plan.hardStateChanged)\n    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });\n  if (stable',
        put: '  const { term, commit } = view.hardState;\n  if (plan.hardStateChanged && (entries.length === 0 || term !== hardState.term || commit !== hardState.commit))\n    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });\n  if (stable',
      },
    ],
  },
  {
    number: 41,
    name: 'commit saved with entries not written',
    rule: 'D1',
    hunks: [
      {
        file: ENCODE,
        find: '  if (plan.hardStateChanged)\n    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });\n  if (stable',
        put: '  const { term, vote } = view.hardState;\n  if (plan.hardStateChanged && (entries.length === 0 || term !== hardState.term || vote !== hardState.vote))\n    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });\n  if (stable',
      },
    ],
  },
  {
    number: 42,
    name: 'truncation ignored where entries of the same term come with it',
    rule: 'D1',
    hunks: [
      {
        file: 'src/raft-log/rules/judge-save.ts',
        find: 'judgeTruncation(view, given.truncateFrom, isStrict);',
        put: 'judgeTruncation(view, entries.count > 0 && given.hardState?.term === undefined ? undefined : given.truncateFrom, isStrict);',
      },
    ],
  },
  {
    number: 43,
    name: 'a stream goes on across a cut of what it has read',
    rule: 'D1',
    hunks: [
      {
        file: 'src/raft-log/read/chunks.ts',
        find: '  if (view.cuts.lowestSince(cutsBefore) < at) throw replaced(at - 1);\n',
        put: '',
      },
    ],
  },
  {
    number: 44,
    name: 'close does not wait for what was accepted',
    rule: 'D8',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: '      await writing.writer.whenIdle();\n',
        put: '',
      },
    ],
  },
  {
    number: 45,
    name: 'the snapshot of a failed record stays in the accepted view',
    rule: 'D8',
    hunks: [
      {
        file: 'src/raft-log/state/accepted-state.ts',
        find: 'Object.assign(this, { firstIndex, lastIndex, lastTerm, hardState, stable, snapshot: snapshotName });',
        put: 'Object.assign(this, { firstIndex, lastIndex, lastTerm, hardState, stable, snapshot: this.snapshot ?? snapshotName });',
      },
    ],
  },
  {
    number: 46,
    name: 'names are changed where the directory of the log was moved away',
    rule: 'D11',
    hunks: [
      {
        file: 'src/disk/held-disk.ts',
        find: 'if (this.#held.size === 0) return change();',
        put: 'if (this.#held.size >= 0) return change();',
      },
    ],
  },
  {
    number: 47,
    name: 'an overwrite that finds no room for its copy is a failed write',
    rule: 'D7',
    hunks: [
      {
        file: 'src/disk/disk-failure.ts',
        find: 'if (!isNoSpace(cause)) return writeFailed(what, place, cause, next);',
        put: 'if (what !== "") return writeFailed(what, place, cause, next);',
      },
    ],
  },
];
