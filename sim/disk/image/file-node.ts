import { PAGE_BYTES, PagedImage } from './paged-image.js';
import type { PendingOperation, WrongPlace } from './pending-operation.js';

/**
 * The inode of a file: what reads return (`volatile`, the page cache), what survives a power cut
 * (`durable`, the platter), and the changes between the two that no sync has made durable.
 */
export class FileNode {
  readonly kind = 'file';
  readonly ino: number;
  volatile: PagedImage = new PagedImage();
  durable: PagedImage = new PagedImage();
  pending: PendingOperation[] = [];
  /**
   * Up to here extensions are durable: a hole below reads as zeros. Above, what a power cut leaves in a
   * hole may be what the blocks held before.
   */
  firmSize = 0;
  /** Sectors written by O_DSYNC while older changes were pending: those may not come back over them. */
  sectorFloors: Map<number, number> = new Map<number, number>();
  sizeFloor = 0;
  /** Sectors (by number) that fail to be read until they are overwritten. */
  unreadable: Set<number> = new Set<number>();
  /** The platter may differ from the cache although nothing is pending: after a failed sync, for example. */
  mayDiffer = false;
  /** Names in the volatile directories. */
  links = 0;
  openCount = 0;
  /** The open file that holds the lock. */
  lockedBy: object | null = null;
  /** Ranges that other processes wrote after some process had lost its lock, half-open. */
  successorRanges: { readonly processId: number; readonly from: number; readonly until: number }[] = [];

  constructor(ino: number) {
    this.ino = ino;
  }

  get isSettled(): boolean {
    return this.pending.length === 0 && !this.mayDiffer;
  }

  /** Writes to the cache, and notes the change as pending in whole sectors. */
  write(
    bytes: Uint8Array,
    position: number,
    sequence: number,
    sectorBytes: number,
    wrongPlace: WrongPlace | null = null,
  ): PendingOperation {
    const until = position + bytes.length;
    this.volatile.write(bytes, position);
    if (until > this.volatile.size) this.volatile.size = until;
    const firstByte = position - (position % sectorBytes);
    const operation: PendingOperation = {
      sequence,
      position: firstByte,
      bytes: this.volatile.view(firstByte, Math.ceil(until / sectorBytes) * sectorBytes),
      sizeAfter: this.volatile.size,
      clearedFrom: null,
      from: position,
      until,
      wrongPlace,
    };
    this.pending.push(operation);
    if (this.unreadable.size > 0) this.#heal(position, until, sectorBytes);
    return operation;
  }

  truncate(size: number, sequence: number): void {
    const shrinks = size < this.volatile.size;
    if (shrinks) this.volatile.clearFrom(size);
    this.volatile.size = size;
    this.pending.push({
      sequence,
      position: size,
      bytes: null,
      sizeAfter: size,
      clearedFrom: shrinks ? size : null,
      from: size,
      until: size,
      wrongPlace: null,
    });
  }

  /** Whether a change of this range waits for a sync. */
  hasPending(from: number, until: number): boolean {
    return this.pending.some(
      ({ position, bytes, clearedFrom }) =>
        position < until && (clearedFrom !== null || position + (bytes?.length ?? 0) > from),
    );
  }

  /** Pages of the platter over which something pending was written: where copies are made, both take room until a sync. */
  copiedPages(): ReadonlySet<number> {
    const copied = new Set<number>();
    for (const { from, until } of this.pending)
      for (let page = Math.floor(from / PAGE_BYTES); page * PAGE_BYTES < until; page++)
        if (this.durable.isAllocated(page * PAGE_BYTES)) copied.add(page);
    return copied;
  }

  /** Whether a read of this range meets a sector that cannot be read. */
  hasUnreadable(from: number, until: number, sectorBytes: number): boolean {
    if (this.unreadable.size === 0) return false;
    for (let sector = Math.floor(from / sectorBytes); sector * sectorBytes < until; sector++) {
      if (this.unreadable.has(sector)) return true;
    }
    return false;
  }

  /** Gives the file back to the state that the platter holds. */
  forgetVolatile(): void {
    this.volatile = this.durable.clone();
    this.pending = [];
    this.sectorFloors.clear();
    this.sizeFloor = 0;
    this.firmSize = this.durable.size;
    this.mayDiffer = false;
  }

  clone(): FileNode {
    const copy = new FileNode(this.ino);
    copy.volatile = this.volatile.clone();
    copy.durable = this.durable.clone();
    copy.pending = this.pending.slice();
    copy.firmSize = this.firmSize;
    copy.sectorFloors = new Map(this.sectorFloors);
    copy.sizeFloor = this.sizeFloor;
    copy.unreadable = new Set(this.unreadable);
    copy.mayDiffer = this.mayDiffer;
    copy.links = this.links;
    return copy;
  }

  /** A sector that is wholly overwritten can be read again. */
  #heal(from: number, until: number, sectorBytes: number): void {
    for (const sector of this.unreadable) {
      if (sector * sectorBytes >= from && (sector + 1) * sectorBytes <= until) this.unreadable.delete(sector);
    }
  }
}
