import type { PlantedBug } from '../planted-bug.js';

/** Bugs of what is told, cleared away and copied: no entry is lost by them, and yet someone relies on it. */
export const TOLD_BUGS: readonly PlantedBug[] = [
  {
    number: 210,
    name: 'the event of a snapshot that is held already is told again',
    rule: 'events',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: "    if (isNew) this.#store.emitter.tell('snapshot',",
        put: "    this.#store.emitter.tell('snapshot',",
      },
    ],
  },
  {
    number: 211,
    name: 'a compaction is told before its record is durable',
    rule: 'events',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: `    const bytesFreed = await this.#turns.track(durable.then(() => this.#turns.freeUnneeded()));
    if (drops) this.#store.emitter.tell('compacted', { upTo, bytesFreed });
`,
        put: `    if (drops) this.#store.emitter.tell('compacted', { upTo, bytesFreed: 0 });
    const bytesFreed = await this.#turns.track(durable.then(() => this.#turns.freeUnneeded()));
`,
      },
    ],
  },
  {
    number: 212,
    name: 'the older snapshots that are kept are forgotten by an open',
    rule: 'R8',
    hunks: [
      {
        file: 'src/raft-log/open-raft-log.ts',
        find: '    await durable.findOlder();\n',
        put: '',
      },
    ],
  },
  {
    number: 213,
    name: 'an open frees no segment that a crash kept from being freed',
    rule: 'D10',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: '    await this.#turns.freeUnneeded();\n    if (this.#frames.latched !== null) throw',
        put: '    if (this.#frames.latched !== null) throw',
      },
    ],
  },
  {
    number: 214,
    name: 'a compaction frees before its record is durable, and so nothing',
    rule: 'D10',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: 'const bytesFreed = await this.#turns.track(durable.then(() => this.#turns.freeUnneeded()));',
        put: 'const bytesFreed = await this.#turns.freeUnneeded().finally(() => durable);',
      },
    ],
  },
  {
    number: 215,
    name: 'one snapshot more is kept than was asked for',
    rule: 'snapshotsKept',
    hunks: [
      {
        file: 'src/raft-log/state/durable-state.ts',
        find: 'slice(0, count - 1)',
        put: 'slice(0, count)',
      },
    ],
  },
  {
    number: 216,
    name: 'the entry in front of the first takes the term of the last',
    rule: 'compact',
    hunks: [
      {
        file: 'src/raft-log/state/durable-state.ts',
        find: 'term: this.term(compactedTo) }',
        put: 'term: this.lastTerm }',
      },
    ],
  },
  {
    number: 217,
    name: 'a clone begins at numbers of the segments of its source',
    rule: 'D11',
    hunks: [
      {
        file: 'src/raft-log/copies/clone-raft-log.ts',
        find: 'segment: highest.segment },',
        put: 'segment: 0 },',
      },
    ],
  },
  {
    number: 218,
    name: 'a checkpoint says that it is replayed one record later',
    rule: 'checkpoint',
    hunks: [
      {
        file: 'src/raft-log/copies/write-checkpoint.ts',
        find: 'segments[0].header.firstLsn - 1',
        put: 'segments[0].header.firstLsn',
      },
    ],
  },
];
