import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';

const FILL_BYTES = 1024 * 1024;

/** The yardstick: a zero-filled, synced file, written in place by `pwrite` and `fdatasync`, inline. */
export class RawFile {
  readonly #fd: number;
  readonly #bytes: number;
  #position = 0;

  constructor(path: string, bytes: number) {
    this.#bytes = bytes;
    this.#fd = openSync(path, 'wx+');
    const zeros = new Uint8Array(FILL_BYTES);
    for (let from = 0; from < bytes; from += FILL_BYTES) writeSync(this.#fd, zeros, 0, FILL_BYTES, from);
    fsyncSync(this.#fd);
  }

  /** Writes as many bytes as `block` has, again and again until the moment; returns how often. */
  writeUntil(untilMs: number, block: Uint8Array): number {
    let writes = 0;
    while (performance.now() < untilMs) {
      if (this.#position + block.length > this.#bytes) this.#position = 0;
      writeSync(this.#fd, block, 0, block.length, this.#position);
      fdatasyncSync(this.#fd);
      this.#position += block.length;
      writes += 1;
    }
    return writes;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
