import { checksum } from './checksum.js';
import type { FrameRecords } from './frame-records.js';
import {
  getU64,
  getU64OrInfinity,
  getVarint,
  isCount,
  putU64,
  putU64OrInfinity,
  putVarint,
  varintBytes,
  viewOf,
} from './integers.js';
import { LIMITS } from './limits.js';
import { putRecordHeader, RECORD_HEADER_BYTES, type RawRecord } from './record.js';
import { decodeStable, encodeStable, type StableChange } from './stable-values.js';

/** Records of a Raft log: their kinds, all of them reserved, and their bytes. */
export const RAFT_RECORD_KINDS = {
  /** One entry. Its index follows from the frame: the entries of a frame are its last records, in order. */
  entry: 128,
  /** The whole hard state from here on. */
  hardState: 129,
  /** Entries from the frame's `from` on were dropped, and none put in their place. */
  truncation: 130,
  /** A snapshot counts from here on. */
  snapshot: 131,
  /** Entries up to an index were compacted. */
  compaction: 132,
  /** Small durable values that changed. */
  stable: 133,
  /** No new vote until commit has reached an index. */
  unfit: 134,
} as const;

export interface HardStateFields {
  readonly term: number;
  readonly vote: string | null;
  readonly commit: number;
}

/** How the log names a snapshot's file. */
export interface SnapshotName {
  readonly index: number;
  readonly term: number;
  /** Of the whole file, so that another file of the same index and term is not taken for it. */
  readonly checksum: number;
}

const encoder = new TextEncoder();
// A byte order mark is part of a vote: a decoder that drops it lets a second vote through.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of an entry's record; `termDistance` is its term above the frame's lowest. */
export function entryRecordBytes(termDistance: number, dataBytes: number): number {
  return RECORD_HEADER_BYTES + varintBytes(termDistance) + 1 + dataBytes;
}

/** Writes an entry's record at `offset`; returns the offset behind it. Its fields come one by one: no object an entry. */
export function putEntryRecord(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  termDistance: number,
  kind: number,
  data: Uint8Array,
  ownChecksum: number,
): number {
  const bodyBytes = varintBytes(termDistance) + 1 + data.length;
  let at = putRecordHeader(view, offset, RAFT_RECORD_KINDS.entry, ownChecksum, bodyBytes);
  at = putVarint(bytes, at, termDistance);
  bytes[at] = kind;
  bytes.set(data, at + 1);
  return at + 1 + data.length;
}

/** An entry as its record holds it; `data` is a view. */
export interface DecodedEntry {
  readonly termDistance: number;
  readonly kind: number;
  readonly data: Uint8Array;
}

/** Reads an entry's record; null if its body is not one. */
export function readEntryRecord(record: RawRecord): DecodedEntry | null {
  if (record.kind !== RAFT_RECORD_KINDS.entry) return null;
  const { body } = record;
  const cursor = { offset: 0 };
  const termDistance = getVarint(body, cursor, body.length);
  if (!isCount(termDistance) || cursor.offset >= body.length) return null;
  return { termDistance, kind: body[cursor.offset] as number, data: body.subarray(cursor.offset + 1) };
}

/** Where in `bytes[from, until)`, the body of an entry's record, the entry's kind stands; its data follows. -1: nowhere. */
export function entryKindOffset(bytes: Uint8Array, from: number, until: number): number {
  // All entries of a frame have one term, but for the frames of a new leader's first catching up.
  if (from + 1 < until && (bytes[from] as number) < 0x80) return from + 1;
  termCursor.offset = from;
  const termDistance = getVarint(bytes, termCursor, until);
  return isCount(termDistance) && termCursor.offset < until ? termCursor.offset : -1;
}

/** Term of the entry whose record's body that is, above its frame's lowest; NaN if none stands there. */
export function termDistanceAt(bytes: Uint8Array, from: number, until: number): number {
  const first = bytes[from] as number;
  if (from + 1 < until && first < 0x80) return first;
  termCursor.offset = from;
  const termDistance = getVarint(bytes, termCursor, until);
  return termCursor.offset < until ? termDistance : Number.NaN;
}

// One for all calls: the functions are synchronous, so no two calls ever share it.
const termCursor = { offset: 0 };

/** Term of an entry above its frame's lowest, of the record that `records` stands at; NaN if that is no entry. */
export function entryTermDistance(records: FrameRecords): number {
  if (records.kind !== RAFT_RECORD_KINDS.entry) return Number.NaN;
  return termDistanceAt(records.bytes, records.bodyFrom, records.bodyUntil);
}

const HARD_STATE_FIXED_BYTES = 18;

/** The hard state as bytes: term, commit, whether there is a vote, its length, the vote. */
export function encodeHardState(hardState: HardStateFields): Uint8Array {
  const vote = hardState.vote === null ? null : encoder.encode(hardState.vote);
  const bytes = new Uint8Array(HARD_STATE_FIXED_BYTES + (vote?.length ?? 0));
  const view = viewOf(bytes);
  putU64(view, 0, hardState.term);
  putU64(view, 8, hardState.commit);
  view.setUint8(16, vote === null ? 0 : 1);
  view.setUint8(17, vote?.length ?? 0);
  if (vote !== null) bytes.set(vote, HARD_STATE_FIXED_BYTES);
  return bytes;
}

/** Reads what {@link encodeHardState} wrote at the beginning of `bytes`; null if it is not there. */
export function decodeHardState(
  bytes: Uint8Array,
): { readonly hardState: HardStateFields; readonly bytes: number } | null {
  if (bytes.length < HARD_STATE_FIXED_BYTES) return null;
  const view = viewOf(bytes);
  const [term, commit, hasVote, voteBytes] = [
    getU64(view, 0),
    getU64(view, 8),
    view.getUint8(16),
    view.getUint8(17),
  ];
  const until = HARD_STATE_FIXED_BYTES + voteBytes;
  if (!isCount(term) || !isCount(commit) || hasVote > 1 || bytes.length < until) return null;
  if ((hasVote === 1) !== voteBytes > 0 || voteBytes > LIMITS.voteBytesMax) return null;
  try {
    const vote = hasVote === 1 ? decoder.decode(bytes.subarray(HARD_STATE_FIXED_BYTES, until)) : null;
    return { hardState: { term, vote, commit }, bytes: until };
  } catch {
    return null;
  }
}

const SNAPSHOT_BYTES = 21;

/** Body of a snapshot's record. `keepsLog` false: the snapshot replaced the whole log. */
export function encodeSnapshotName(name: SnapshotName, keepsLog: boolean): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_BYTES);
  const view = viewOf(bytes);
  putU64(view, 0, name.index);
  putU64(view, 8, name.term);
  view.setUint32(16, name.checksum, true);
  view.setUint8(20, keepsLog ? 1 : 0);
  return bytes;
}

export function decodeSnapshotName(
  bytes: Uint8Array,
): { readonly name: SnapshotName; readonly keepsLog: boolean } | null {
  if (bytes.length !== SNAPSHOT_BYTES) return null;
  const view = viewOf(bytes);
  const name = { index: getU64(view, 0), term: getU64(view, 8), checksum: view.getUint32(16, true) };
  return isCount(name.index) && isCount(name.term) ? { name, keepsLog: view.getUint8(20) === 1 } : null;
}

/** Body of a compaction's record: the new boundary. */
export function encodeBoundary(boundary: { readonly index: number; readonly term: number }): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  putU64(view, 0, boundary.index);
  putU64(view, 8, boundary.term);
  return bytes;
}

export function decodeBoundary(bytes: Uint8Array): { readonly index: number; readonly term: number } | null {
  if (bytes.length !== 16) return null;
  const view = viewOf(bytes);
  const boundary = { index: getU64(view, 0), term: getU64(view, 8) };
  return isCount(boundary.index) && isCount(boundary.term) ? boundary : null;
}

/** Body of a mark of unfitness: the index, or `Infinity`. */
export function encodeUnfit(until: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putU64OrInfinity(viewOf(bytes), 0, until);
  return bytes;
}

export function decodeUnfit(bytes: Uint8Array): number | null {
  if (bytes.length !== 8) return null;
  const until = getU64OrInfinity(viewOf(bytes), 0);
  return until === Infinity || isCount(until) ? until : null;
}

/** A record of any kind but an entry, as it will be written. */
export interface ControlRecord {
  readonly kind: number;
  readonly body: Uint8Array;
}

export function controlRecordBytes(record: ControlRecord): number {
  return RECORD_HEADER_BYTES + record.body.length;
}

/** Writes a control record at `offset`; its checksum covers kind and body. Returns the offset behind it. */
export function putControlRecord(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  record: ControlRecord,
): number {
  const { kind, body } = record;
  const at = putRecordHeader(view, offset, kind, controlChecksum(kind, body), body.length);
  bytes.set(body, at);
  return at + body.length;
}

/** Checksum of a control record. */
export function controlChecksum(kind: number, body: Uint8Array): number {
  return checksum(body, checksum(Uint8Array.of(kind)));
}

/** What a Raft log must know to replay from a segment's preamble. */
export interface RaftPreamble {
  readonly hardState: HardStateFields;
  readonly snapshot: SnapshotName | null;
  readonly boundary: { readonly index: number; readonly term: number };
  readonly unfitUntil: number;
  readonly stable: ReadonlyMap<string, Uint8Array>;
}

/** The preamble's state: flags, snapshot, boundary, fitness, then what has no fixed length: the hard state and the small values. */
export function encodeRaftPreamble(preamble: RaftPreamble): Uint8Array {
  const hardState = encodeHardState(preamble.hardState);
  const stable = encodeStable(preamble.stable);
  const bytes = new Uint8Array(48 + hardState.length + stable.length);
  const view = viewOf(bytes);
  view.setUint32(0, preamble.snapshot === null ? 0 : 1, true);
  view.setUint32(4, preamble.snapshot?.checksum ?? 0, true);
  putU64(view, 8, preamble.snapshot?.index ?? 0);
  putU64(view, 16, preamble.snapshot?.term ?? 0);
  putU64(view, 24, preamble.boundary.index);
  putU64(view, 32, preamble.boundary.term);
  putU64OrInfinity(view, 40, preamble.unfitUntil);
  bytes.set(hardState, 48);
  bytes.set(stable, 48 + hardState.length);
  return bytes;
}

export function decodeRaftPreamble(bytes: Uint8Array): RaftPreamble | null {
  const decoded = bytes.length < 48 ? null : decodeHardState(bytes.subarray(48));
  if (decoded === null) return null;
  const view = viewOf(bytes);
  const snapshot = { checksum: view.getUint32(4, true), index: getU64(view, 8), term: getU64(view, 16) };
  const boundary = { index: getU64(view, 24), term: getU64(view, 32) };
  if (![snapshot.index, snapshot.term, boundary.index, boundary.term].every(isCount)) return null;
  const unfitUntil = getU64OrInfinity(view, 40);
  if (unfitUntil !== Infinity && !isCount(unfitUntil)) return null;
  const hasSnapshot = view.getUint32(0, true) === 1;
  const stable = heldValues(decodeStable(bytes.subarray(48 + decoded.bytes)));
  if (stable === null) return null;
  return {
    hardState: decoded.hardState,
    snapshot: hasSnapshot ? snapshot : null,
    boundary,
    unfitUntil,
    stable,
  };
}

/** A preamble says what there is: none of them is on its way out. */
function heldValues(values: StableChange | null): ReadonlyMap<string, Uint8Array> | null {
  if (values === null) return null;
  const held = new Map<string, Uint8Array>();
  for (const [key, value] of values) {
    if (value === null) return null;
    held.set(key, value);
  }
  return held;
}
