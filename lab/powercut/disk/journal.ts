import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * All that a disk was asked, in order: each record a header of 24 bytes (kind, length, position, end of what
 * a flush covers), then the bytes of a write. Kept in memory (`/dev/shm`), since what it stands for may be gigabytes.
 */

const HEADER_BYTES = 24;
const KIND_WRITE = 1;
const KIND_FLUSH = 2;

export interface WriteRecord {
  readonly kind: 'write';
  /** Where on the disk. */
  readonly position: number;
  readonly length: number;
  /** Where its bytes are in the journal's file. */
  readonly dataAt: number;
}

/** It covers the writes before it that lie within its range: all of the disk, or the half that is one of two. */
export interface FlushRecord {
  readonly kind: 'flush';
  readonly from: number;
  readonly until: number;
}

export type DiskRecord = WriteRecord | FlushRecord;

export class JournalWriter {
  readonly #fd: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);

  constructor(path: string) {
    this.#fd = openSync(path, 'a');
  }

  write(position: number, bytes: Uint8Array): void {
    this.#record(KIND_WRITE, position, bytes.length, 0);
    writeSync(this.#fd, bytes);
  }

  flush(from: number, until: number): void {
    this.#record(KIND_FLUSH, from, 0, until);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #record(kind: number, position: number, length: number, until: number): void {
    this.#header.writeUInt32LE(kind, 0);
    this.#header.writeUInt32LE(length, 4);
    this.#header.writeDoubleLE(position, 8);
    this.#header.writeDoubleLE(until, 16);
    writeSync(this.#fd, this.#header);
  }
}

/** A journal to read from; whoever opened it closes it. */
export class Journal {
  readonly records: readonly DiskRecord[];
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.records = readRecords(this.#fd);
  }

  bytes(record: WriteRecord): Buffer {
    const bytes = Buffer.alloc(record.length);
    readSync(this.#fd, bytes, 0, bytes.length, record.dataAt);
    return bytes;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function readRecords(fd: number): DiskRecord[] {
  const records: DiskRecord[] = [];
  const header = Buffer.alloc(HEADER_BYTES);
  const size = fstatSync(fd).size;
  for (let at = 0; at + HEADER_BYTES <= size;) {
    readSync(fd, header, 0, HEADER_BYTES, at);
    const length = header.readUInt32LE(4);
    const dataAt = at + HEADER_BYTES;
    at = dataAt + length;
    if (at > size) break;
    const position = header.readDoubleLE(8);
    if (header.readUInt32LE(0) === KIND_FLUSH)
      records.push({ kind: 'flush', from: position, until: header.readDoubleLE(16) });
    else records.push({ kind: 'write', position, length, dataAt });
  }
  return records;
}
