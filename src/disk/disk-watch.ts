import { withDisk, type Environment, type Timer } from './environment.js';
import {
  isPromise,
  type Awaitable,
  type CallMode,
  type DirectoryEntry,
  type Disk,
  type DiskFile,
  type FileStat,
  type OpenOptions,
  type SpaceStat,
} from './port.js';
import { systemCode } from './system-error.js';

/** A call of the disk port that has not returned yet. */
export interface CallUnderWay {
  /** Its name in the port: `'dataSync'`, `'write'`, `'syncDirectory'`, .. */
  readonly call: keyof Disk | keyof DiskFile;
  /** The file or directory that it is made of. */
  readonly path: string;
  /** Milliseconds since it was made. */
  readonly sinceMs: number;
}

/** A call hangs from here on; it is told again each time it has lasted twice as long. */
const STALLED_MS = 1000;
/** A call that a signal cut short has done nothing and is made again; so often and no more, so that no call loops for ever. */
const TRIES_MAX = 100;

interface Pending {
  readonly call: CallUnderWay['call'];
  readonly path: string;
  readonly startMs: number;
  tellMs: number;
}

/**
 * Stands before a disk and knows which calls are under way: a call that hangs is told while it hangs, since it may never
 * return. Calls that return at once cost nothing but the look at what they returned: while they hang, no timer runs either.
 */
export class DiskWatch {
  /** What is to be used instead. */
  readonly environment: Environment;
  readonly #environment: Environment;
  /** The oldest first. */
  readonly #pending: Set<Pending> = new Set<Pending>();
  readonly #onStalled: ((call: CallUnderWay) => void) | null;
  #timer: Timer | null = null;
  #isClosed = false;

  /** @param onStalled null: nobody is told, and no timer runs; only what was cut short is made again */
  constructor(environment: Environment, onStalled: ((call: CallUnderWay) => void) | null) {
    this.#environment = environment;
    this.#onStalled = onStalled;
    this.environment = withDisk(environment, new WatchedDisk(environment.disk, this));
  }

  /** The call that has been under way longest; null if none is. */
  get oldest(): CallUnderWay | null {
    for (const pending of this.#pending) return this.#asOfNow(pending);
    return null;
  }

  /** Tells no more. Calls still go through. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  run<T>(
    call: CallUnderWay['call'],
    path: string,
    make: () => Awaitable<T>,
    triesLeft: number = TRIES_MAX,
  ): Awaitable<T> {
    let result: Awaitable<T>;
    try {
      result = make();
    } catch (error) {
      return this.again(call, path, error, make, triesLeft);
    }
    return isPromise(result) ? this.follow(call, path, result, make, triesLeft) : result;
  }

  /** Makes a call again that a signal cut short; throws on what else made it fail. */
  again<T>(
    call: CallUnderWay['call'],
    path: string,
    error: unknown,
    make: () => Awaitable<T>,
    triesLeft: number = TRIES_MAX,
  ): Awaitable<T> {
    if (triesLeft === 0 || systemCode(error) !== 'EINTR') throw error;
    return this.run(call, path, make, triesLeft - 1);
  }

  /** Watches a call that did not return at once. */
  follow<T>(
    call: CallUnderWay['call'],
    path: string,
    result: Promise<T>,
    make: () => Awaitable<T>,
    triesLeft: number = TRIES_MAX,
  ): Promise<T> {
    const startMs = this.#environment.now();
    const pending = { call, path, startMs, tellMs: startMs + STALLED_MS };
    this.#pending.add(pending);
    this.#arm();
    return result.then(
      (value) => {
        this.#pending.delete(pending);
        return value;
      },
      (error: unknown) => {
        this.#pending.delete(pending);
        return this.again(call, path, error, make, triesLeft);
      },
    );
  }

  /** One timer for all calls, and none while no call is under way when it rings: a save must not pay for one. */
  #arm(): void {
    if (this.#timer !== null || this.#isClosed || this.#onStalled === null) return;
    this.#timer = this.#environment.setTimer(STALLED_MS, () => {
      this.#timer = null;
      this.#tellStalled();
      if (this.#pending.size > 0) this.#arm();
    });
  }

  #tellStalled(): void {
    const nowMs = this.#environment.now();
    for (const pending of this.#pending) {
      if (nowMs < pending.tellMs) continue;
      pending.tellMs = nowMs + (nowMs - pending.startMs);
      this.#onStalled?.(this.#asOfNow(pending));
    }
  }

  #asOfNow({ call, path, startMs }: Pending): CallUnderWay {
    return { call, path, sinceMs: this.#environment.now() - startMs };
  }
}

/** The same environment, whose calls are made again where a signal cut them short: for who reads a store without its log. */
export function patient(environment: Environment): Environment {
  return new DiskWatch(environment, null).environment;
}

class WatchedDisk implements Required<Disk> {
  readonly #disk: Disk;
  readonly #watch: DiskWatch;

  constructor(disk: Disk, watch: DiskWatch) {
    this.#disk = disk;
    this.#watch = watch;
  }

  checkLocks(path: string): Awaitable<void> {
    return this.#disk.checkLocks?.(path);
  }
  open(path: string, options: OpenOptions): Awaitable<DiskFile> {
    const opened = this.#watch.run('open', path, () => this.#disk.open(path, options));
    return isPromise(opened)
      ? opened.then((file) => new WatchedFile(file, this.#watch))
      : new WatchedFile(opened, this.#watch);
  }
  mkdir(path: string): Awaitable<void> {
    return this.#watch.run('mkdir', path, () => this.#disk.mkdir(path));
  }
  readdir(path: string): Awaitable<readonly DirectoryEntry[]> {
    return this.#watch.run('readdir', path, () => this.#disk.readdir(path));
  }
  stat(path: string): Awaitable<FileStat | null> {
    return this.#watch.run('stat', path, () => this.#disk.stat(path));
  }
  statfs(path: string): Awaitable<SpaceStat> {
    return this.#watch.run('statfs', path, () => this.#disk.statfs(path));
  }
  rename(from: string, to: string): Awaitable<void> {
    return this.#watch.run('rename', from, () => this.#disk.rename(from, to));
  }
  unlink(path: string): Awaitable<void> {
    return this.#watch.run('unlink', path, () => this.#disk.unlink(path));
  }
  link(from: string, to: string): Awaitable<void> {
    return this.#watch.run('link', from, () => this.#disk.link(from, to));
  }
  syncDirectory(path: string): Awaitable<void> {
    return this.#watch.run('syncDirectory', path, () => this.#disk.syncDirectory(path));
  }
}

class WatchedFile implements Required<DiskFile> {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #watch: DiskWatch;

  constructor(file: DiskFile, watch: DiskWatch) {
    this.path = file.path;
    this.#file = file;
    this.#watch = watch;
  }

  // Every save makes these three: what returns at once pays for no function by which it could be made again.
  read(into: Uint8Array, position: number, mode?: CallMode): Awaitable<number> {
    try {
      const count = this.#file.read(into, position, mode);
      if (!isPromise(count)) return count;
      return this.#watch.follow('read', this.path, count, this.#reading(into, position, mode));
    } catch (error) {
      return this.#watch.again('read', this.path, error, this.#reading(into, position, mode));
    }
  }
  write(bytes: Uint8Array, position: number, mode?: CallMode): Awaitable<number> {
    try {
      const count = this.#file.write(bytes, position, mode);
      if (!isPromise(count)) return count;
      return this.#watch.follow('write', this.path, count, this.#writing(bytes, position, mode));
    } catch (error) {
      return this.#watch.again('write', this.path, error, this.#writing(bytes, position, mode));
    }
  }
  dataSync(mode?: CallMode): Awaitable<void> {
    try {
      const synced = this.#file.dataSync(mode);
      return isPromise(synced)
        ? this.#watch.follow('dataSync', this.path, synced, this.#syncing(mode))
        : synced;
    } catch (error) {
      return this.#watch.again('dataSync', this.path, error, this.#syncing(mode));
    }
  }
  #reading(into: Uint8Array, position: number, mode?: CallMode): () => Awaitable<number> {
    return () => this.#file.read(into, position, mode);
  }
  #writing(bytes: Uint8Array, position: number, mode?: CallMode): () => Awaitable<number> {
    return () => this.#file.write(bytes, position, mode);
  }
  #syncing(mode?: CallMode): () => Awaitable<void> {
    return () => this.#file.dataSync(mode);
  }
  truncate(size: number): Awaitable<void> {
    return this.#watch.run('truncate', this.path, () => this.#file.truncate(size));
  }
  sync(mode?: CallMode): Awaitable<void> {
    return this.#watch.run('sync', this.path, () => this.#file.sync(mode));
  }
  stat(mode?: CallMode): Awaitable<FileStat> {
    return this.#watch.run('stat', this.path, () => this.#file.stat(mode));
  }
  tryLock(): Awaitable<boolean> {
    return this.#watch.run('tryLock', this.path, () => this.#file.tryLock());
  }
  // Not made again: a descriptor whose close was interrupted is gone on Linux, and its number may be another's by now.
  close(mode?: CallMode): Awaitable<void> {
    return this.#watch.run('close', this.path, () => this.#file.close(mode), 0);
  }
}
