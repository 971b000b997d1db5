import type { PlantedBug } from '../planted-bug.js';

const WALK = 'src/wal/segment/segment-walk.ts';
const JUDGE = 'src/wal/recover/judge.ts';
const PROVE = 'src/wal/recover/prove-tail.ts';
const OPEN = 'src/wal/open-segmented-log.ts';

const UNMATCHED = `    const fault = payloadFault(header, bytes, dataView, at, this.#salt);
    if (fault !== null) return fault;
`;
const UNFILLED = `    if (!this.#records.set(bytes, dataView, at, until, header.recordCount, from))
      return 'its records do not fill the frame';
`;
const TORN = `      if (fault !== null) return { kind: 'payload', reason: fault, header };
`;

/** Bugs in what recovery believes, applies, cuts and deletes. */
export const RECOVERY_BUGS: readonly PlantedBug[] = [
  {
    number: 10,
    name: 'payload checksum not checked',
    rule: 'R2',
    hunks: [{ file: WALK, find: UNMATCHED, put: UNFILLED }],
  },
  {
    number: 11,
    name: 'hard state taken from a torn batch',
    rule: 'D1, R4',
    hunks: [
      {
        file: WALK,
        find: TORN,
        put: `      if (fault !== null) {
        const payload = await this.#window.view(this.offset + header.headerBytes, header.payloadBytes);
        const view = viewOf(payload);
        const from = this.run.end.lastIndex + 1;
        const torn = new FrameRecords();
        const isWhole = payload.length >= 9 && torn.set(payload, view, 0, recordBytesAt(view, 0), 1, 0);
        torn.next();
        if (isWhole && torn.kind === 129)
          await listener({ ...header, from, until: from, resets: false }, torn, this.offset);
        return { kind: 'payload', reason: fault, header };
      }
`,
      },
      {
        file: WALK,
        find: "import { FrameRecords } from '../../format/frame-records.js';",
        put: "import { FrameRecords } from '../../format/frame-records.js';\nimport { viewOf } from '../../format/integers.js';\nimport { recordBytesAt } from '../../format/record.js';",
      },
    ],
  },
  {
    number: 12,
    name: 'mid-log damage taken for a torn tail',
    rule: 'R3',
    hunks: [
      {
        file: JUDGE,
        find: 'if (tail.run.lastLsn < Math.min(proven.lsn, untilLsn)) {',
        put: 'if (tail.run.lastLsn < 0) {',
      },
    ],
  },
  {
    number: 13,
    name: 'no durable mark in frames',
    rule: 'R1',
    withoutMask: 'end marks, which would tell the same',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: 'chain: active.chain, durable: this.#durable };',
        put: 'chain: active.chain, durable: { lsn: 0, lastIndex: 0, lastTerm: 0 } };',
      },
      { file: 'src/wal/write/group-writer.ts', find: '    endMarks?.note(this.#durable);\n', put: '' },
    ],
  },
  {
    number: 15,
    name: 'append after an uncut torn tail',
    rule: 'R4',
    hunks: [{ file: PROVE, find: '    await zero(file, tail.runUntil, cutUntil);\n', put: '' }],
  },
  {
    number: 17,
    name: 'preamble claims the group behind it as durable',
    rule: 'R1',
    hunks: [
      {
        file: 'src/wal/write/rotation.ts',
        find: '    epoch: superblock.current.epoch,\n    durable,\n',
        put: '    epoch: superblock.current.epoch,\n    durable: { ...durable, lsn: durable.lsn + 1 },\n',
      },
    ],
  },
  {
    number: 23,
    name: 'recovery deletes before the tail is durable',
    rule: 'D10, R10',
    plan: 'bug-23.json',
    hunks: [
      {
        file: OPEN,
        find: '    await proveTail(',
        put: `    for (const [at, { path }] of judgement.segments.entries()) {
      const next = judgement.segments[at + 1];
      const isNeeded = next === undefined || next.lowest > this.#request.layer.boundary() + 1;
      if (!isNeeded) await disk.unlink(path);
    }
    await proveTail(`,
      },
    ],
  },
  {
    number: 28,
    name: 'half of a batch applied',
    rule: 'D1, R4',
    hunks: [
      {
        file: WALK,
        find: TORN,
        put: `      if (fault !== null) {
        const payloadFrom = this.offset + header.headerBytes;
        const payload = await this.#window.view(payloadFrom, header.payloadBytes);
        const numbered = header.until - header.from;
        let end = 0;
        let some = 0;
        for (; some < header.recordCount; some += 1) {
          const record = readRecord(payload, end);
          if (record === null) break;
          const index = header.from + some - (header.recordCount - numbered);
          const entry = readEntryRecord(record);
          if (entry !== null) {
            const sum = entryChecksum(index, header.lowTerm + entry.termDistance, entry.kind, entry.data);
            if (sum !== record.checksum) break;
          } else if (record.kind === 128 || index >= header.from) break;
          end = record.body.byteOffset - payload.byteOffset + record.bodyBytes;
        }
        const left = header.from + some - (header.recordCount - numbered);
        if (left > header.from) {
          const half = { ...header, until: left, recordCount: some };
          const records = new FrameRecords();
          records.set(payload, viewOf(payload), 0, end, some, payloadFrom);
          const at = this.offset;
          this.run = runThrough(half);
          this.offset = at + header.headerBytes + header.payloadBytes;
          this.frameCount += 1;
          await listener(half, records, at);
        }
        return { kind: 'payload', reason: fault, header };
      }
`,
      },
      {
        file: WALK,
        find: "import { FrameRecords } from '../../format/frame-records.js';",
        put: "import { FrameRecords } from '../../format/frame-records.js';\nimport { entryChecksum } from '../../format/entry-checksum.js';\nimport { viewOf } from '../../format/integers.js';\nimport { readEntryRecord } from '../../format/raft-records.js';\nimport { readRecord } from '../../format/record.js';",
      },
    ],
  },
  {
    number: 29,
    name: 'counter reset when nothing was replayed',
    rule: 'R4',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: 'this.#durable = { lsn: run.lastLsn, ...run.end };',
        put: 'this.#durable = { lsn: judgement.tail.frameCount === 0 ? 0 : run.lastLsn, ...run.end };',
      },
    ],
  },
  {
    number: 30,
    name: 'quarantine deleted at clean close',
    rule: 'R4',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: '      await closeFile(writing.active.file);\n      const { disk } = this.#request.environment;\n',
        put: `      await closeFile(writing.active.file);
      const { disk } = this.#request.environment;
      const folder = this.#paths.dir + '/quarantine';
      try {
        for (const { name } of await disk.readdir(folder)) await disk.unlink(folder + '/' + name);
      } catch {
        // There is none.
      }
`,
      },
    ],
  },
  {
    number: 112,
    name: 'a frame taken for whole by the headers of its records alone',
    rule: 'D1, R2',
    hunks: [
      {
        file: 'src/format/frame-payload.ts',
        find: '    if (found !== recordChecksumAt(view, offset))\n',
        put: '    if (Number.isNaN(found))\n',
      },
    ],
  },
  {
    number: 113,
    name: 'small values lost at rotation',
    rule: 'D6',
    hunks: [
      {
        file: 'src/raft-log/state/durable-state.ts',
        find: 'boundary: this.#boundary, unfitUntil, stable });',
        put: 'boundary: this.#boundary, unfitUntil, stable: NO_VALUES });',
      },
    ],
  },
  {
    number: 114,
    name: 'small values that come with entries are not written',
    rule: 'D1',
    hunks: [
      {
        file: 'src/raft-log/state/encode-save.ts',
        find: '  if (stable.size > 0) controls.push',
        put: '  if (stable.size > 0 && entries.count === 0) controls.push',
      },
    ],
  },
  {
    number: 115,
    name: 'a seal believed though the log went on behind it',
    rule: 'R2, D7',
    plan: 'bug-115.json',
    hunks: [
      {
        file: 'src/wal/recover/judge.ts',
        find: '    if (next.header.number <= this.#store.superblock.newestSegment) return false;\n',
        put: '    if (sealedLsn >= 0) return false;\n',
      },
    ],
  },
];
