import type { Awaitable, CallMode, DiskFile, FileStat } from '../../src/disk/index.js';

/** A real open file that moves at most `bytesMax` bytes a call, and keeps count of its calls. */
export class StingyFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #bytesMax: number;
  readonly modes: (CallMode | undefined)[] = [];
  readonly calls: string[] = [];

  constructor(file: DiskFile, bytesMax: number) {
    this.#file = file;
    this.#bytesMax = bytesMax;
    this.path = file.path;
  }

  read(into: Uint8Array, position: number, mode?: CallMode): Awaitable<number> {
    this.#note('read', mode);
    return this.#bytesMax === 0 ? 0 : this.#file.read(into.subarray(0, this.#bytesMax), position, mode);
  }
  write(bytes: Uint8Array, position: number, mode?: CallMode): Awaitable<number> {
    this.#note('write', mode);
    return this.#bytesMax === 0 ? 0 : this.#file.write(bytes.subarray(0, this.#bytesMax), position, mode);
  }
  truncate(size: number): Awaitable<void> {
    return this.#file.truncate(size);
  }
  dataSync(mode?: CallMode): Awaitable<void> {
    this.#note('dataSync', mode);
    return this.#file.dataSync(mode);
  }
  sync(mode?: CallMode): Awaitable<void> {
    this.#note('sync', mode);
    return this.#file.sync(mode);
  }
  stat(mode?: CallMode): Awaitable<FileStat> {
    return this.#file.stat(mode);
  }
  tryLock(): Awaitable<boolean> {
    return this.#file.tryLock();
  }
  close(): Awaitable<void> {
    return this.#file.close();
  }

  #note(call: string, mode: CallMode | undefined): void {
    this.calls.push(call);
    this.modes.push(mode);
  }
}
