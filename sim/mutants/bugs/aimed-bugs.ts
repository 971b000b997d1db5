import type { PlantedBug } from '../planted-bug.js';

/** Bugs that show only where one certain call fails, hangs, or is the first that should not be there. */
export const AIMED_BUGS: readonly PlantedBug[] = [
  {
    number: 180,
    name: 'the room set aside for a seal forgets the terms of the frames before',
    rule: 'D7',
    hunks: [
      {
        file: 'src/wal/write/active-segment.ts',
        find: 'this.#runs += termRunsOf(fields);\n',
        put: '',
      },
    ],
  },
  {
    number: 181,
    name: 'the tail is written again as it reads by then, not as it was judged',
    rule: 'D5',
    hunks: [
      {
        file: 'src/wal/recover/prove-tail.ts',
        find: 'if (lastChecksum(bytes, salt) !== run.chain) {',
        put: 'if (lastChecksum(bytes, salt) === -1 && run.chain === -2) {',
      },
    ],
  },
  {
    number: 182,
    name: 'a log that has latched clears away the snapshot that its last record may name',
    rule: 'D5, D10',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: 'if (this.#log.latched !== null) return;\n',
        put: '',
      },
    ],
  },
  {
    number: 183,
    name: 'where an epoch begins is written before the tail is proven',
    rule: 'R10',
    hunks: [
      {
        file: 'src/wal/open-segmented-log.ts',
        find: 'await proveTail(disk, tail, place, judgement, this.#tally);\n      await this.#fillHoles(judgement, tail);\n      await this.#beginEpoch(superblock, judgement);',
        put: 'await this.#beginEpoch(superblock, judgement);\n      await proveTail(disk, tail, place, judgement, this.#tally);\n      await this.#fillHoles(judgement, tail);',
      },
    ],
  },
  {
    number: 184,
    name: 'a reader beside a writer shows what no mark proves yet',
    rule: 'R10',
    hunks: [
      {
        file: 'src/wal/recover/judge-store.ts',
        find: 'const judged = await this.judge(found, whole.judgement.proven.lsn);',
        put: 'const judged = await this.judge(found);',
      },
    ],
  },
  {
    number: 185,
    name: 'a checkpoint that names no segment, with one entry that no snapshot covers',
    rule: 'checkpoints',
    hunks: [
      {
        file: 'src/raft-log/copies/write-checkpoint.ts',
        find: "scope === 'all' && lastIndex > covered)",
        put: "scope === 'all' && lastIndex > covered + 1)",
      },
    ],
  },
  {
    number: 186,
    name: 'the name of a segment taken back after any failure',
    rule: 'D5, D6',
    hunks: [
      {
        file: 'src/wal/write/rotation.ts',
        find: 'if (!(error instanceof KeelsonError) || !isShortage(error)) throw error;',
        put: 'if (!(error instanceof KeelsonError)) throw error;',
      },
    ],
  },
  {
    number: 187,
    name: 'one copy of a torn tail is kept, and no more',
    rule: 'R4',
    hunks: [
      {
        file: 'src/wal/store/quarantine.ts',
        find: 'const TAIL_COPIES_KEPT = 8;',
        put: 'const TAIL_COPIES_KEPT = 1;',
      },
    ],
  },
  {
    number: 188,
    name: 'a snapshot that failed keeps its name for good',
    rule: 'D10',
    hunks: [
      {
        file: 'src/snapshot/snapshot-store.ts',
        find: '    this.#staging.delete(name);\n  }\n\n  /** D11',
        put: '  }\n\n  /** D11',
      },
    ],
  },
  {
    number: 189,
    name: 'a stream goes on behind the end of a log that was cut in front of its own',
    rule: 'stream',
    hunks: [
      {
        file: 'src/raft-log/read/chunks.ts',
        find: '  judgeRange(view, at, until);\n',
        put: '',
      },
    ],
  },
  {
    number: 190,
    name: 'a clean end is marked, and not what it proves',
    rule: 'R1, D12',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: 'await superblock.write({ isCleanEnd: true, proven: durable });',
        put: 'await superblock.write({ isCleanEnd: true });',
      },
    ],
  },
  {
    number: 191,
    name: 'what waits while another file fails to sync is written all the same',
    rule: 'D5',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: 'if (this.#latched !== null) throw this.#latched;',
        put: 'if (this.#latched !== null && this.#queue.length < 0) throw this.#latched;',
      },
    ],
  },
  {
    number: 195,
    name: 'an end mark is written behind a failure that latched the log',
    rule: 'D5',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: 'this.#host.endMarks?.stop();\n',
        put: '',
      },
      {
        file: 'src/wal/write/group-writer.ts',
        find: 'this.#host.superblock.latch(failure);\n',
        put: '',
      },
    ],
  },
];
