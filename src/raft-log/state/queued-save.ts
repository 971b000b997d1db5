import type { KeelsonError } from '../../errors/index.js';
import { readEntryRecord } from '../../format/raft-records.js';
import { readRecord, RECORD_HEADER_BYTES, type RawRecord } from '../../format/record.js';
import type { AcceptedFrame } from '../../wal/inside.js';
import type { ReadEntry } from '../contract.js';
import type { FrameEffect } from './durable-state.js';
import { corruptEntry } from '../read/damaged-entry.js';

/** Hears of a frame's end. */
export interface Waiter {
  resolve(): void;
  reject(error: KeelsonError): void;
}

/** A save, snapshot or compaction that was accepted and is not durable yet. */
export interface QueuedSave {
  readonly effect: FrameEffect;
  readonly frame: AcceptedFrame;
  /** Records before the entries in the frame. */
  readonly controlCount: number;
  readonly lowTerm: number;
  /** Where the records of its entries begin in the payload; made when first asked for. */
  offsets: Uint32Array | null;
  /** Saves that wrote nothing themselves, but were checked against this one. */
  waiters: Waiter[] | null;
}

/** One above the last entry of the log as the save leaves it. */
export function untilOf({ effect }: QueuedSave): number {
  return effect.keepUntil + effect.entryCount;
}

/** Term of an entry that the save appends. */
export function termIn({ effect }: QueuedSave, index: number): number {
  const { terms, keepUntil } = effect;
  return typeof terms === 'number' ? terms : (terms[index - keepUntil] as number);
}

/** The record of the entry at `index`, as it stands encoded in memory; its body is a view. */
function recordOf(save: QueuedSave, index: number): RawRecord {
  save.offsets ??= offsetsIn(save);
  return recordAt(save.frame.payload(), save.offsets[index - save.effect.keepUntil] as number, index);
}

function recordAt(payload: Uint8Array, offset: number, index: number): RawRecord {
  const record = readRecord(payload, offset);
  if (record === null) throw corruptEntry('memory', 0, index, 'its record is not whole');
  return record;
}

function offsetsIn({ frame, effect, controlCount }: QueuedSave): Uint32Array {
  const payload = frame.payload();
  const offsets = new Uint32Array(effect.entryCount);
  let at = 0;
  for (let count = -controlCount; count < offsets.length; count += 1) {
    if (count >= 0) offsets[count] = at;
    const { body, bodyBytes } = recordAt(payload, at, effect.keepUntil + count);
    at = body.byteOffset - payload.byteOffset + bodyBytes;
  }
  return offsets;
}

/** The records of the save's entries, one behind the other; a view, valid until the save is durable or has failed. */
export function entryRecordsOf({ frame, controlCount }: QueuedSave): Uint8Array {
  const payload = frame.payload();
  let at = 0;
  for (let count = 0; count < controlCount; count += 1)
    at += RECORD_HEADER_BYTES + recordAt(payload, at, 0).bodyBytes;
  return payload.subarray(at);
}

/** Entries `[from, until)` of the save, with bytes of their own, until their data passes `bytesMax`; at least one. */
export function entriesIn(save: QueuedSave, from: number, until: number, bytesMax: number): ReadEntry[] {
  const entries: ReadEntry[] = [];
  let bytes = 0;
  for (let index = from; index < until && (index === from || bytes <= bytesMax); index += 1) {
    const decoded = readEntryRecord(recordOf(save, index));
    if (decoded === null) throw corruptEntry('memory', 0, index, 'its record is not an entry');
    const { termDistance, kind, data } = decoded;
    entries.push({ index, term: save.lowTerm + termDistance, kind, data: data.slice() });
    bytes += data.length;
  }
  return entries;
}

/** Checksum of one entry of the save. */
export function checksumIn(save: QueuedSave, index: number): number {
  return recordOf(save, index).checksum;
}
