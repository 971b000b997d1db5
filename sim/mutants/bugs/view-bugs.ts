import type { PlantedBug } from '../planted-bug.js';

/** Bugs of what a log shows and tells beside the durable view: what is accepted, what is in memory, numbers and events. */
export const VIEW_BUGS: readonly PlantedBug[] = [
  {
    number: 151,
    name: 'bytes of saves that failed stay counted as waiting',
    rule: 'D8',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: '    this.#queuedBytes = 0;\n    if (isUnharmed)',
        put: '    if (isUnharmed)',
      },
    ],
  },
  {
    number: 152,
    name: 'small values of a save that failed stay in the accepted view',
    rule: 'D8',
    hunks: [
      {
        file: 'src/raft-log/state/accepted-state.ts',
        find: 'Object.assign(this, { firstIndex, lastIndex, lastTerm, hardState, stable, snapshot: snapshotName });',
        put: 'Object.assign(this, { firstIndex, lastIndex, lastTerm, hardState, stable: this.stable ?? stable, snapshot: snapshotName });',
      },
    ],
  },
  {
    number: 153,
    name: 'queued entries are handed out as views of the memory they are written from',
    rule: 'accepted',
    hunks: [
      {
        file: 'src/raft-log/state/log-frame.ts',
        find: 'entries.push({ ...entry, data: entry.data.slice() });',
        put: 'entries.push({ ...entry, data: entry.data as Uint8Array<ArrayBuffer> });',
      },
    ],
  },
  {
    number: 154,
    name: 'accepted entries that a later save in the queue replaces',
    rule: 'accepted',
    hunks: [
      {
        file: 'src/raft-log/state/accepted-state.ts',
        find: 'until: Math.min(until, this.#replacedFrom(save, from)) };',
        put: 'until: Math.min(until, save.until) };',
      },
    ],
  },
  {
    number: 155,
    name: 'entries in memory without the bound that was asked for',
    rule: 'entriesInMemory',
    hunks: [
      {
        file: 'src/raft-log/state/recent-entries.ts',
        find: 'if (dataBytes > bytesMax && index > from)',
        put: 'if (dataBytes > Infinity && index > from)',
      },
    ],
  },
  {
    number: 156,
    name: 'a save resolves to the LSN of its first record',
    rule: 'save',
    hunks: [
      {
        file: 'src/raft-log/state/log-frame.ts',
        find: 'const { lastLsn: lsn } = this;',
        put: 'const { firstLsn: lsn } = this;',
      },
    ],
  },
  {
    number: 157,
    name: 'hard state that comes with a snapshot which is held already is not saved',
    rule: 'installSnapshot',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: 'await (plan.hardStateChanged ? this.#queue.accept(draftHardState(plan)) : this.#queue.whenDurable());',
        put: 'await (plan.isHeld ? this.#queue.whenDurable() : this.#queue.accept(draftHardState(plan)));',
      },
    ],
  },
  {
    number: 158,
    name: 'replay gives all entries of a frame its lowest term',
    rule: 'D1',
    hunks: [
      {
        file: 'src/raft-log/state/durable-state.ts',
        find: 'this.#runs.append(index, lowTerm + termDistance);',
        put: 'this.#runs.append(index, lowTerm + Math.min(termDistance, 0));',
      },
    ],
  },
  {
    number: 159,
    name: 'the clone that is another member keeps the vote',
    rule: 'clones',
    hunks: [
      {
        file: 'src/raft-log/copies/clone-raft-log.ts',
        find: 'Object.freeze({ term, vote: null, commit })',
        put: 'Object.freeze({ ...start.hardState, term, commit })',
      },
    ],
  },
  {
    number: 160,
    name: 'the restored copy of one server may vote at once',
    rule: 'clones',
    hunks: [
      {
        file: 'src/raft-log/copies/clone-raft-log.ts',
        find: '    start.unfitUntil = unfitUntil;\n',
        put: '    start.unfitUntil = Math.min(unfitUntil, 0);\n',
      },
    ],
  },
  {
    number: 161,
    name: 'an event of a snapshot is not told',
    rule: 'events',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: "if (isNew) this.#store.emitter.tell('snapshot',",
        put: "if (isNew && turn.isInstall) this.#store.emitter.tell('snapshot',",
      },
    ],
  },
  {
    number: 162,
    name: 'a compaction that failed stays in the accepted view',
    rule: 'D8',
    hunks: [
      {
        file: 'src/raft-log/state/accepted-state.ts',
        find: 'Object.assign(this, { firstIndex, lastIndex, lastTerm, hardState, stable, snapshot: snapshotName });',
        put: 'Object.assign(this, { firstIndex: Math.max(firstIndex, this.firstIndex), lastIndex, lastTerm, hardState, stable, snapshot: snapshotName });',
      },
    ],
  },
  {
    number: 163,
    name: 'a checkpoint is taken without what was accepted before',
    rule: 'checkpoints',
    hunks: [
      {
        file: 'src/raft-log/copies/copies-under-way.ts',
        find: '        if (!this.#isReadOnly) await this.#queue.whenDurable();\n',
        put: '',
      },
    ],
  },
  {
    number: 164,
    name: 'a snapshot whose index was cut off meanwhile is not discarded',
    rule: 'D10',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: '      await staged.discard();\n',
        put: '',
      },
    ],
  },
];
