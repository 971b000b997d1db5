import type { PlantedBug } from '../planted-bug.js';

/** What ends a log or a turn of it, and what stands behind something that has not ended: closes, lines of snapshots, queues, repairs. */
export const ENDING_BUGS: readonly PlantedBug[] = [
  {
    number: 250,
    name: 'a close does not wait for a snapshot that is being taken',
    rule: 'close',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: '    this.#end.come();\n    await this.#turn;\n',
        put: '    this.#end.come();\n    await Promise.resolve();\n',
      },
    ],
  },
  {
    number: 251,
    name: 'a close waits for data that never comes',
    rule: 'close',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: '    this.#end.come();\n    await this.#turn;\n',
        put: '    await this.#turn;\n    this.#end.come();\n',
      },
    ],
  },
  {
    number: 252,
    name: 'a close leaves a checkpoint that is being made',
    rule: 'close',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: '      this.#copies.close(),\n',
        put: '',
      },
    ],
  },
  {
    number: 253,
    name: 'a close does not end those who read a snapshot',
    rule: 'openSnapshot',
    hunks: [
      {
        file: 'src/snapshot/open-snapshots.ts',
        find: '    await Promise.all(Array.from(this.#streams, (stream) => stream.close()));\n',
        put: '    await Promise.resolve();\n',
      },
    ],
  },
  {
    number: 254,
    name: 'a snapshot that is given up while it waits lets the next begin',
    rule: 'snapshots',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: '    this.#turn = endOf(before, taken);\n',
        put: '    this.#turn = endOf(taken);\n',
      },
    ],
  },
  {
    number: 255,
    name: 'what is queued behind an install goes by the log that it replaces',
    rule: 'installSnapshot',
    hunks: [
      {
        file: 'src/raft-log/state/accepted-state.ts',
        find: 'return save.effect.resetTo?.index === index ? save.effect.resetTo.term : save.term(index);',
        put: 'return save.effect.resetTo?.index === index ? this.#durable.term(index) : save.term(index);',
      },
    ],
  },
  {
    number: 256,
    name: 'a repair goes by what it saw before it had the lock',
    rule: 'repair',
    hunks: [
      {
        file: 'src/raft-log/repair-store.ts',
        find: '    const survey = await surveyLog(request);\n    const done',
        put: '    const survey = first;\n    const done',
      },
    ],
  },
  {
    number: 257,
    name: 'the data of a snapshot that is held already is not let go',
    rule: 'installSnapshot',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-request.ts',
        find: '    letGo(data);\n',
        put: '',
      },
      {
        file: 'src/raft-log/raft-log.ts',
        find: '      if (judge().isHeld) letGo(() => given.data);\n',
        put: '      judge();\n',
      },
    ],
  },
  {
    number: 258,
    name: 'asked for a snapshot that is not kept, an older one is given',
    rule: 'openSnapshot',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: 'ref.index === index',
        put: 'ref.index <= index',
      },
    ],
  },
];
