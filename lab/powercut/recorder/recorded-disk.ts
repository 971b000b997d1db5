import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { PublishedCount } from '../disk/counter.js';
import type { DiskFiles } from '../disk/disk-files.js';
import { FaultOrders } from '../disk/faults.js';
import { JournalWriter } from '../disk/journal.js';

/** What a file of the recorder's answers. */
export type ServedDisk = Pick<RecordedDisk, 'size' | 'read' | 'write' | 'flush'>;

/** A disk that remembers all it was asked, or fails as it was ordered to. One request at a time. */
export class RecordedDisk {
  readonly size: number;
  readonly #image: number;
  readonly #journal: JournalWriter;
  readonly #count: PublishedCount;
  readonly #faults: FaultOrders;
  #records = 0;

  constructor(files: DiskFiles) {
    this.#image = openSync(files.image, 'r+');
    this.size = fstatSync(this.#image).size;
    this.#journal = new JournalWriter(files.journal);
    this.#count = new PublishedCount(files.count, 'write');
    this.#faults = new FaultOrders(files.faults);
  }

  read(position: number, into: Buffer): number {
    return readSync(this.#image, into, 0, into.length, position);
  }

  /** False: it failed, and nothing was written. */
  write(position: number, bytes: Buffer): boolean {
    if (this.#faults.fails('writes')) return false;
    this.#journal.write(position, bytes);
    this.#publish();
    writeSync(this.#image, bytes, 0, bytes.length, position);
    return true;
  }

  /** Of the range; a disk that is one of two in this image has a cache of its own. */
  flush(from: number = 0, until: number = this.size): boolean {
    if (this.#faults.fails('flushes')) return false;
    this.#journal.flush(from, until);
    this.#publish();
    return true;
  }

  close(): void {
    closeSync(this.#image);
    this.#journal.close();
    this.#count.close();
    this.#faults.close();
  }

  #publish(): void {
    this.#records += 1;
    this.#count.publish(this.#records);
  }
}

/** One of two disks that lose power at one moment: halves of one image, and of one journal. */
export function halfOf(disk: RecordedDisk, at: 0 | 1): ServedDisk {
  const size = disk.size / 2;
  const from = at * size;
  return {
    size,
    read: (position, into) => disk.read(from + position, into),
    write: (position, bytes) => disk.write(from + position, bytes),
    flush: () => disk.flush(from, from + size),
  };
}
