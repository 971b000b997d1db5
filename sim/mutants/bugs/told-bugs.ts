import type { PlantedBug } from '../planted-bug.js';

/** Bugs of what is told and cleared away: nothing that is saved is lost by them, and yet someone relies on it. */
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
        find: `    const bytesFreed = await this.#turns.track(compacted.then(() => this.#turns.freeUnneeded()));
    this.#store.emitter.tell('compacted', { upTo, bytesFreed });
`,
        put: `    this.#store.emitter.tell('compacted', { upTo, bytesFreed: 0 });
    const bytesFreed = await this.#turns.track(compacted.then(() => this.#turns.freeUnneeded()));
`,
      },
    ],
  },
];
