/**
 * docs/format.md is what a person with a hex dump and a lost log will read, so it must say where each field is. Each
 * row of its tables is held against the codecs: changing that field alone must change bytes there, and nowhere else.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeEndMark, END_MARK_BYTES } from '../../src/format/end-mark.js';
import { FRAME_HEADER_BYTES_MAX, frameHeaderBytes, putFrameHeader } from '../../src/format/frame-header.js';
import { viewOf } from '../../src/format/integers.js';
import { encodeRaftPreamble } from '../../src/format/raft-records.js';
import { putRecordHeader, RECORD_HEADER_BYTES } from '../../src/format/record.js';
import { encodeSeal, SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import {
  encodeSegmentHeader,
  PREAMBLE_STATE_BYTES_MAX,
  SEGMENT_HEADER_BYTES,
} from '../../src/format/segment-header.js';
import { encodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';

import { recordsOf } from './arbitraries.js';

const page = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8');

interface Row {
  readonly offset: number;
  readonly size: number;
}

/** The rows of the first table behind a line of the page, by field. */
function tableBehind(line: string): ReadonlyMap<string, Row> {
  const from = page.indexOf(`\n${line}\n`);
  if (from < 0) throw new Error(`docs/format.md has no line '${line}'`);
  const rows = new Map<string, Row>();
  for (const [, offset, size, field] of page
    .slice(from)
    .split(/\n(?=#)|\nThe state of|\nThen six/)
    .slice(0, 2)
    .join('\n')
    .matchAll(/^\| (\d+) +\| (\d+|\.\.) +\| ([^|]+?) +\|/gm)) {
    if (!rows.has(field as string)) rows.set(field as string, { offset: Number(offset), size: Number(size) });
  }
  return rows;
}

const id = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const sealed = {
  lowest: 1,
  until: 1,
  sums: new Uint32Array(0),
  offsets: new Uint32Array(0),
  runs: new Float64Array(0),
  lastLsn: 1,
  chain: 1,
  framesUntil: 1,
  epoch: 1,
  frameCount: 1,
  resets: false,
  durable: { lsn: 1, lastIndex: 1, lastTerm: 1 },
};
const superblock = {
  generation: 1,
  lineage: id(1),
  storeId: id(1),
  nonce: id(1),
  origin: 'made' as const,
  storeKind: 'wal' as const,
  epoch: 1,
  fenceEpoch: 1,
  fenceLsn: 1,
  firstSegment: 1,
  newestSegment: 1,
  proven: { lsn: 1, lastIndex: 1, lastTerm: 1 },
  isLive: true,
  isCleanEnd: false,
  isWalSeparate: false,
};
const header = {
  lineage: id(1),
  identity: id(2),
  number: 1,
  segmentBytes: 4096,
  firstLsn: 1,
  chain: 1,
  epoch: 1,
  durable: { lsn: 1, lastIndex: 1, lastTerm: 1 },
  end: { lastIndex: 1, lastTerm: 1 },
  state: Uint8Array.of(1),
};
const mark = { lineage: id(1), lsn: 1, lastIndex: 1, lastTerm: 1, sequence: 1, epoch: 1 };
const preamble = {
  hardState: { term: 1, vote: null, commit: 1 },
  snapshot: { index: 1, term: 1, checksum: 1 },
  boundary: { index: 1, term: 1 },
  unfitUntil: 1,
  stable: new Map(),
};
const fields = { from: 5, until: 5, lastTerm: 1, lowTerm: 1, highTerm: 1, resets: false };
const place = { firstLsn: 9, epoch: 1, chain: 1, durable: { lsn: 1, lastIndex: 1, lastTerm: 1 } };
const frame = { fields, place, recordCount: 2 };

function encodeFrame(change: Partial<typeof frame>, bodies: Uint8Array = new Uint8Array(3)): Uint8Array {
  const { fields: of, place: at, recordCount } = { ...frame, ...change };
  const headerBytes = frameHeaderBytes(of);
  const payload = recordsOf(recordCount, bodies);
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes.set(payload, headerBytes);
  const size = { headerBytes, payloadBytes: payload.length, recordCount };
  putFrameHeader(bytes, viewOf(bytes), 0, 7, of, at, size);
  return bytes.subarray(0, headerBytes);
}

function encodeRecord(change: { kind?: number; checksum?: number; bodyBytes?: number }): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  putRecordHeader(viewOf(bytes), 0, change.kind ?? 1, change.checksum ?? 1, change.bodyBytes ?? 1);
  return bytes;
}

/** By line of the page: how to encode, and for each field a change of it alone. */
const STRUCTURES: readonly (readonly [
  string,
  number,
  () => Uint8Array,
  Readonly<Record<string, () => Uint8Array>>,
])[] = [
  [
    '## Superblock',
    SUPERBLOCK_SLOT_BYTES,
    () => encodeSuperblock(superblock),
    {
      generation: () => encodeSuperblock({ ...superblock, generation: 2 }),
      lineage: () => encodeSuperblock({ ...superblock, lineage: id(9) }),
      'store id': () => encodeSuperblock({ ...superblock, storeId: id(9) }),
      nonce: () => encodeSuperblock({ ...superblock, nonce: id(9) }),
      origin: () => encodeSuperblock({ ...superblock, origin: 'restored' }),
      epoch: () => encodeSuperblock({ ...superblock, epoch: 2 }),
      kind: () => encodeSuperblock({ ...superblock, storeKind: 'raft' }),
      flags: () => encodeSuperblock({ ...superblock, isCleanEnd: true }),
      'fence LSN': () => encodeSuperblock({ ...superblock, fenceLsn: 2 }),
      'first segment': () => encodeSuperblock({ ...superblock, firstSegment: 2 }),
      'newest segment': () => encodeSuperblock({ ...superblock, newestSegment: 2 }),
      'proven LSN': () => encodeSuperblock({ ...superblock, proven: { ...superblock.proven, lsn: 2 } }),
      'fence epoch': () => encodeSuperblock({ ...superblock, fenceEpoch: 2 }),
      'proven index': () =>
        encodeSuperblock({ ...superblock, proven: { ...superblock.proven, lastIndex: 2 } }),
      'proven term': () => encodeSuperblock({ ...superblock, proven: { ...superblock.proven, lastTerm: 2 } }),
    },
  ],
  [
    '## Marks',
    END_MARK_BYTES,
    () => encodeEndMark(mark),
    {
      lineage: () => encodeEndMark({ ...mark, lineage: id(9) }),
      LSN: () => encodeEndMark({ ...mark, lsn: 2 }),
      index: () => encodeEndMark({ ...mark, lastIndex: 2 }),
      term: () => encodeEndMark({ ...mark, lastTerm: 2 }),
      sequence: () => encodeEndMark({ ...mark, sequence: 2 }),
      epoch: () => encodeEndMark({ ...mark, epoch: 2 }),
    },
  ],
  [
    '### Header and preamble',
    SEGMENT_HEADER_BYTES,
    () => encodeSegmentHeader(header),
    {
      lineage: () => encodeSegmentHeader({ ...header, lineage: id(9) }),
      identity: () => encodeSegmentHeader({ ...header, identity: id(9) }),
      number: () => encodeSegmentHeader({ ...header, number: 2 }),
      'segment bytes': () => encodeSegmentHeader({ ...header, segmentBytes: 8192 }),
      'first LSN': () => encodeSegmentHeader({ ...header, firstLsn: 2 }),
      chain: () => encodeSegmentHeader({ ...header, chain: 2 }),
      epoch: () => encodeSegmentHeader({ ...header, epoch: 2 }),
      'durable LSN': () => encodeSegmentHeader({ ...header, durable: { ...header.durable, lsn: 2 } }),
      'durable index': () => encodeSegmentHeader({ ...header, durable: { ...header.durable, lastIndex: 2 } }),
      'durable term': () => encodeSegmentHeader({ ...header, durable: { ...header.durable, lastTerm: 2 } }),
      'last index': () => encodeSegmentHeader({ ...header, end: { ...header.end, lastIndex: 2 } }),
      'last term': () => encodeSegmentHeader({ ...header, end: { ...header.end, lastTerm: 2 } }),
      'state bytes': () => encodeSegmentHeader({ ...header, state: Uint8Array.of(1, 0) }),
      state: () => encodeSegmentHeader({ ...header, state: Uint8Array.of(2) }),
    },
  ],
  [
    'The state of a Raft log:',
    0,
    () => encodeRaftPreamble(preamble),
    {
      'snapshot checksum': () =>
        encodeRaftPreamble({ ...preamble, snapshot: { ...preamble.snapshot, checksum: 2 } }),
      'snapshot index': () =>
        encodeRaftPreamble({ ...preamble, snapshot: { ...preamble.snapshot, index: 2 } }),
      'snapshot term': () => encodeRaftPreamble({ ...preamble, snapshot: { ...preamble.snapshot, term: 2 } }),
      'boundary index': () =>
        encodeRaftPreamble({ ...preamble, boundary: { ...preamble.boundary, index: 2 } }),
      'boundary term': () => encodeRaftPreamble({ ...preamble, boundary: { ...preamble.boundary, term: 2 } }),
      'unfit until': () => encodeRaftPreamble({ ...preamble, unfitUntil: 2 }),
    },
  ],
  [
    '### Frame',
    FRAME_HEADER_BYTES_MAX,
    () => encodeFrame({}),
    {
      chain: () => encodeFrame({ place: { ...place, chain: 2 } }),
      epoch: () => encodeFrame({ place: { ...place, epoch: 2 } }),
      'records sum': () => encodeFrame({}, Uint8Array.of(1, 2, 3)),
      flags: () => encodeFrame({ fields: { ...fields, resets: true } }),
      'durable LSN': () => encodeFrame({ place: { ...place, durable: { ...place.durable, lsn: 2 } } }),
      'durable index': () =>
        encodeFrame({ place: { ...place, durable: { ...place.durable, lastIndex: 2 } } }),
    },
  ],
  [
    '### Record',
    RECORD_HEADER_BYTES,
    () => encodeRecord({}),
    {
      'body bytes': () => encodeRecord({ bodyBytes: 2 }),
      kind: () => encodeRecord({ kind: 2 }),
      checksum: () => encodeRecord({ checksum: 2 }),
    },
  ],
  [
    '### Seal',
    SEAL_TRAILER_BYTES,
    () => encodeSeal(sealed, 7),
    {
      'last LSN': () => encodeSeal({ ...sealed, lastLsn: 2 }, 7),
      chain: () => encodeSeal({ ...sealed, chain: 2 }, 7),
      'frames until': () => encodeSeal({ ...sealed, framesUntil: 2 }, 7),
      epoch: () => encodeSeal({ ...sealed, epoch: 2 }, 7),
      'frame count': () => encodeSeal({ ...sealed, frameCount: 2 }, 7),
      flags: () => encodeSeal({ ...sealed, resets: true }, 7),
      'durable LSN': () => encodeSeal({ ...sealed, durable: { ...sealed.durable, lsn: 2 } }, 7),
      'durable index': () => encodeSeal({ ...sealed, durable: { ...sealed.durable, lastIndex: 2 } }, 7),
      'durable term': () => encodeSeal({ ...sealed, durable: { ...sealed.durable, lastTerm: 2 } }, 7),
    },
  ],
];

/** Where two encodings differ, sums aside: those follow every change. */
function differences(a: Uint8Array, b: Uint8Array, sums: readonly (Row | undefined)[]): number[] {
  const isSum = (at: number): boolean =>
    sums.some((sum) => sum !== undefined && at >= sum.offset && at < sum.offset + sum.size);
  return [...a.keys()].filter((at) => a[at] !== b[at] && !isSum(at));
}

describe.each(STRUCTURES)('%s', (line, bytes, encode, changes) => {
  const rows = tableBehind(line);

  test.each(Object.keys(changes))('%s', (field) => {
    const row = rows.get(field);
    if (row === undefined) throw new Error(`no row for ${field}`);
    const changed = differences(encode(), (changes[field] as () => Uint8Array)(), [
      rows.get('sum'),
      rows.get('state sum'),
    ]);
    expect(changed.length).toBeGreaterThan(0);
    for (const at of changed) {
      expect(at).toBeGreaterThanOrEqual(row.offset);
      if (!Number.isNaN(row.size)) expect(at).toBeLessThan(row.offset + row.size);
    }
  });

  test('rows neither overlap nor pass the end', () => {
    let until = 0;
    for (const [field, { offset, size }] of rows) {
      expect(offset, field).toBeGreaterThanOrEqual(until);
      until = Number.isNaN(size) ? offset : offset + size;
    }
    if (bytes > 0) expect(until).toBeLessThanOrEqual(bytes);
  });
});

test('limits and magics are those of the code', () => {
  const text = (bytes: Uint8Array, until: number): string =>
    Buffer.from(bytes.subarray(0, until)).toString('latin1');
  for (const [bytes, until] of [
    [encodeSuperblock(superblock), 8],
    [encodeSegmentHeader(header), 8],
    [encodeEndMark(mark), 4],
    [encodeSeal(sealed, 7), 4],
    [encodeFrame({}), 2],
  ] as const)
    expect(page).toContain(`\`${text(bytes, until)}\``);
  expect(page).toContain(`50..${FRAME_HEADER_BYTES_MAX}`);
  expect(page).toContain(`0..${PREAMBLE_STATE_BYTES_MAX}`);
  expect(encodeFrame({}).length).toBe(50);
});
