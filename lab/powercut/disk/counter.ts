import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * How many records a disk's journal has, for all to see. The recorder writes it before it answers, so that whoever
 * has an answer of the disk, or an acknowledgement that rests on it, reads a number that counts it in.
 */
export class PublishedCount {
  readonly #fd: number;
  readonly #bytes = Buffer.alloc(8);

  constructor(path: string, access: 'read' | 'write') {
    this.#fd = openSync(path, access === 'read' ? 'r' : 'w');
    if (access === 'write') this.publish(0);
  }

  publish(count: number): void {
    this.#bytes.writeDoubleLE(count, 0);
    writeSync(this.#fd, this.#bytes, 0, 8, 0);
  }

  read(): number {
    readSync(this.#fd, this.#bytes, 0, 8, 0);
    return this.#bytes.readDoubleLE(0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
