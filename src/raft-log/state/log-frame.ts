import type { KeelsonError } from '../../errors/index.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import {
  controlRecordBytes,
  entryKindOffset,
  entryRecordBytes,
  putControlRecord,
  putEntryRecord,
  type ControlRecord,
} from '../../format/raft-records.js';
import { RECORD_HEADER_BYTES, recordBytesAt } from '../../format/record.js';
import { Frame } from '../../wal/inside.js';
import type { ReadEntry, SaveResult } from '../contract.js';
import { GivenEntries } from '../rules/given-entries.js';
import type { FrameEffect } from './durable-state.js';
import { addEntries } from './entry-records.js';

/** Hears of a frame's end, before who waits for it does. */
export interface FrameOwner {
  frameDurable(frame: LogFrame): void;
  frameFailed(frame: LogFrame, error: KeelsonError): void;
}

interface Waiter {
  readonly resolve: (result: SaveResult) => void;
  readonly reject: (error: KeelsonError) => void;
}

/** What a frame of the log is made of. */
export interface LogFrameParts extends Pick<Frame, 'fields' | 'urgency'> {
  readonly effect: FrameEffect;
  readonly controls: readonly ControlRecord[];
  readonly entries?: GivenEntries;
}

/** A save, snapshot or compaction, from its judgement until it is durable: what it says, and what it will have done. */
export class LogFrame extends Frame {
  readonly effect: FrameEffect;
  /** Bytes of the entries' data. */
  readonly dataBytes: number;
  /** Set when it is accepted. */
  owner!: FrameOwner;
  readonly #controls: readonly ControlRecord[];
  /** The caller's bytes; none once they are encoded, since the frame lives on until it is durable. */
  #entries: GivenEntries;
  /** Where the records of its entries begin in the arena; made when first asked for. */
  #offsets: Uint32Array | null = null;
  /** The save itself, which waits first. */
  #resolve: ((result: SaveResult) => void) | null = null;
  #reject: ((error: KeelsonError) => void) | null = null;
  /** Those behind it: saves that wrote nothing themselves but were checked against it. */
  #others: Waiter[] | null = null;

  constructor({ fields, urgency, effect, controls, entries = GivenEntries.NONE }: LogFrameParts) {
    let payloadBytes = 0;
    let dataBytes = 0;
    for (const record of controls) payloadBytes += controlRecordBytes(record);
    for (let index = entries.from; index < entries.until; index += 1) {
      const bytes = entries.data(index).length;
      payloadBytes += entryRecordBytes(entries.term(index) - fields.lowTerm, bytes);
      dataBytes += bytes;
    }
    super({ fields, urgency, payloadBytes, recordCount: controls.length + entries.count });
    this.effect = effect;
    this.dataBytes = dataBytes;
    this.#controls = controls;
    this.#entries = entries;
  }

  /** The entries last; without their checksums where nothing of it is ever written. */
  encode(bytes: Uint8Array, view: DataView, offset: number, isSummed: boolean = true): void {
    let at = offset;
    for (const record of this.#controls) at = putControlRecord(bytes, view, at, record);
    const entries = this.#entries;
    const { lowTerm } = this.fields;
    for (let index = entries.from; index < entries.until; index += 1) {
      const term = entries.term(index);
      const kind = entries.kind(index);
      const data = entries.data(index);
      const checksum = isSummed ? entryChecksum(index, term, kind, data) : 0;
      at = putEntryRecord(bytes, view, at, term - lowTerm, kind, data, checksum);
    }
    this.#entries = GivenEntries.NONE;
  }

  onDurable(): void {
    this.owner.frameDurable(this);
  }

  onFailed(error: KeelsonError): void {
    this.owner.frameFailed(this, error);
  }

  /** Resolves to where the log then ends, once it is durable; fails if it fails. Who asks first is told first. */
  ended(): Promise<SaveResult> {
    return new Promise((resolve, reject) => {
      if (this.#resolve !== null) (this.#others ??= []).push({ resolve, reject });
      else {
        this.#resolve = resolve;
        this.#reject = reject;
      }
    });
  }

  /** Lets those go on that wait for it. */
  resolve(): void {
    const { lastLsn: lsn } = this;
    const lastIndex = this.until - 1;
    this.#resolve?.({ lsn, lastIndex });
    if (this.#others !== null) for (const { resolve } of this.#others) resolve({ lsn, lastIndex });
  }

  /** Fails those that wait for it. */
  reject(error: KeelsonError): void {
    this.#reject?.(error);
    if (this.#others !== null) for (const { reject } of this.#others.splice(0)) reject(error);
  }

  /** One above the last entry of the log as the frame leaves it. */
  get until(): number {
    return this.effect.keepUntil + this.effect.entryCount;
  }

  /** Term of an entry that it appends. */
  term(index: number): number {
    const { terms, keepUntil } = this.effect;
    return typeof terms === 'number' ? terms : (terms[index - keepUntil] as number);
  }

  /** Checksum of one of its entries. */
  checksum(index: number): number {
    const { term, kind, data } = this.#entryAt(index);
    return entryChecksum(index, term, kind, data);
  }

  /** Where in the arena the records of its entries stand, one behind the other: from here to the frame's end. */
  entryRecordsFrom(): number {
    let at = this.start + this.headerBytes;
    for (let count = 0; count < this.#controls.length; count += 1) at += recordBytesAt(this.arena.view, at);
    return at;
  }

  /** All of its entries as columns, with bytes of their own: their data one behind the other. */
  columns(): { readonly sizes: number[]; readonly kinds: Uint8Array; readonly data: Uint8Array } {
    const { arena, end, effect, dataBytes } = this;
    const from = this.entryRecordsFrom();
    // One copy, in which what stands between them is closed up: a view of each entry took longer than all else.
    const data = Buffer.allocUnsafe(end - from);
    data.set(arena.bytes.subarray(from, end));
    const sizes: number[] = [];
    const kinds = new Uint8Array(effect.entryCount);
    let filled = 0;
    for (let at = from; at < end;) {
      const next = at + recordBytesAt(arena.view, at);
      const kindAt = entryKindOffset(arena.bytes, at + RECORD_HEADER_BYTES, next);
      kinds[sizes.length] = arena.bytes[kindAt] as number;
      sizes.push(next - kindAt - 1);
      data.copyWithin(filled, kindAt + 1 - from, next - from);
      filled += next - kindAt - 1;
      at = next;
    }
    return { sizes, kinds, data: data.subarray(0, dataBytes) };
  }

  /** Entries `[from, until)` of it, with bytes of their own, until their data passes `bytesMax`; at least one. */
  entries(from: number, until: number, bytesMax: number): ReadEntry[] {
    const entries: ReadEntry[] = [];
    let bytes = 0;
    for (let index = from; index < until && (index === from || bytes <= bytesMax); index += 1) {
      const entry = this.#entryAt(index);
      entries.push({ ...entry, data: entry.data.slice() });
      bytes += entry.data.length;
    }
    return entries;
  }

  /** The entry at `index`, as it stands encoded in memory; its data is a view. */
  #entryAt(index: number): ReadEntry {
    this.#offsets ??= this.#findOffsets();
    const { arena, effect, fields } = this;
    const at = this.#offsets[index - effect.keepUntil] as number;
    const found: ReadEntry[] = [];
    addEntries(found, arena, at, at + recordBytesAt(arena.view, at), index, fields.lowTerm);
    return found[0] as ReadEntry;
  }

  #findOffsets(): Uint32Array {
    const offsets = new Uint32Array(this.effect.entryCount);
    let at = this.entryRecordsFrom();
    for (let count = 0; count < offsets.length; count += 1) {
      offsets[count] = at;
      at += recordBytesAt(this.arena.view, at);
    }
    return offsets;
  }
}
