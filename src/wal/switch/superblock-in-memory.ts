import type { DiskFile, FileStat } from '../../disk/port.js';
import { SUPERBLOCK_BYTES } from '../../format/superblock.js';

/**
 * The superblock of a store in the making: no file names its segments before the switch, and one that never comes
 * leaves nothing that anybody would have to understand.
 */
export class SuperblockInMemory implements DiskFile {
  readonly path: string;
  readonly #bytes: Uint8Array = new Uint8Array(SUPERBLOCK_BYTES);

  /** @param path of the file that it will be written to, for messages */
  constructor(path: string) {
    this.path = path;
  }

  read(into: Uint8Array, position: number): number {
    const found = this.#bytes.subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  write(bytes: Uint8Array, position: number): number {
    this.#bytes.set(bytes, position);
    return bytes.length;
  }

  truncate(): void {
    throw new RangeError('a superblock has one size');
  }

  dataSync(): void {
    // Nothing of it outlives the process, and nothing has to.
  }

  sync(): void {
    // As above.
  }

  stat(): FileStat {
    return { kind: 'file', size: SUPERBLOCK_BYTES, id: 'in memory' };
  }

  tryLock(): boolean {
    return true;
  }

  close(): void {
    // There is no descriptor.
  }
}
