import type { KeelsonError } from '../errors/index.js';
import { readEntryRecord } from '../format/raft-records.js';
import { readRecord, type RawRecord } from '../format/record.js';
import type { AcceptedFrame } from '../wal/segmented-log.js';
import type { Entry } from './contract.js';
import type { FrameEffect } from './durable-state.js';
import { corruptEntry } from './read-entry.js';

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

/** The records of the save's entries `[from, until)`, as they stand encoded in memory; bodies are views. */
function* recordsOf(save: QueuedSave, from: number, until: number): Generator<RawRecord, void, undefined> {
  const payload = save.frame.payload();
  const first = save.effect.keepUntil - save.controlCount;
  let at = 0;
  for (let index = first; index < until; index += 1) {
    const record = readRecord(payload, at);
    if (record === null) throw corruptEntry('memory', 0, index, 'its record is not whole');
    if (index >= from) yield record;
    at = record.body.byteOffset - payload.byteOffset + record.bodyBytes;
  }
}

/** Entries of the save, with bytes of their own. */
export function entriesIn(save: QueuedSave, from: number, until: number): Entry[] {
  const entries: Entry[] = [];
  for (const record of recordsOf(save, from, until)) {
    const index = from + entries.length;
    const decoded = readEntryRecord(record);
    if (decoded === null) throw corruptEntry('memory', 0, index, 'its record is not an entry');
    entries.push({
      index,
      term: save.lowTerm + decoded.termDistance,
      kind: decoded.kind,
      data: decoded.data.slice(),
    });
  }
  return entries;
}

/** Checksum of one entry of the save. */
export function checksumIn(save: QueuedSave, index: number): number | undefined {
  for (const record of recordsOf(save, index, index + 1)) return record.checksum;
  return undefined;
}
