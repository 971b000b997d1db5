import type { Awaitable, CallMode, DiskFile, FileStat } from '../../src/disk/port.js';
import type { Action } from './calls/action.js';
import { ReadAction, SyncAction, TruncateAction, WriteAction } from './calls/file-actions.js';
import { CloseAction, FileStatAction, TryLockAction } from './calls/handle-actions.js';
import type { OpenFile } from './image/open-file.js';
import { diskError } from './image/paths.js';

/** How a handle makes its calls: the process that opened it. */
export interface Performer {
  perform<T>(action: Action<T>, mode: CallMode, onReturn?: () => void): Awaitable<T>;
  /** Fails a call in the manner of its mode: thrown at once, or rejected. */
  refuse<T>(error: Error, mode: CallMode): Awaitable<T>;
  /** Place of the last change that a sync issued now must cover. */
  readonly sequence: number;
}

/** A handle of the port on a simulated file. Once its process has died, no call on it ever returns. */
export class SimulatedFile implements DiskFile {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #performer: Performer;
  readonly #returned: () => void;
  #callsUnderWay = 0;
  #allReturned: (() => void) | null = null;
  #closing: Awaitable<void> | null = null;
  #isClosing = false;

  constructor(file: OpenFile, performer: Performer) {
    this.path = file.path;
    this.#file = file;
    this.#performer = performer;
    this.#returned = () => {
      this.#callsUnderWay -= 1;
      if (this.#callsUnderWay === 0) this.#allReturned?.();
    };
  }

  read(into: Uint8Array, position: number, mode: CallMode = 'background'): Awaitable<number> {
    return this.#perform(new ReadAction(this.#file, into, position), mode);
  }

  write(bytes: Uint8Array, position: number, mode: CallMode = 'background'): Awaitable<number> {
    return this.#perform(new WriteAction(this.#file, bytes, position), mode);
  }

  truncate(size: number): Awaitable<void> {
    return this.#perform(new TruncateAction(this.#file, size), 'background');
  }

  dataSync(mode: CallMode = 'background'): Awaitable<void> {
    return this.#perform(new SyncAction('dataSync', this.#file, this.#performer.sequence), mode);
  }

  sync(mode: CallMode = 'background'): Awaitable<void> {
    return this.#perform(new SyncAction('sync', this.#file, this.#performer.sequence), mode);
  }

  stat(mode: CallMode = 'background'): Awaitable<FileStat> {
    return this.#perform(new FileStatAction(this.#file), mode);
  }

  tryLock(): Awaitable<boolean> {
    return this.#perform(new TryLockAction(this.#file), 'inline');
  }

  close(mode: CallMode = 'background'): Awaitable<void> {
    if (this.#isClosing) return this.#closing ?? undefined;
    this.#isClosing = true;
    const close = (): Awaitable<void> => this.#performer.perform(new CloseAction(this.#file), mode);
    // As on a real system the descriptor goes back only when all calls on it have returned.
    this.#closing =
      this.#callsUnderWay === 0
        ? close()
        : new Promise<void>((resolve) => {
            this.#allReturned = () => {
              resolve(close());
            };
          });
    return this.#closing;
  }

  #perform<T>(action: Action<T>, mode: CallMode): Awaitable<T> {
    if (this.#isClosing) return this.#performer.refuse(diskError('EBADF', action.kind, this.path), mode);
    this.#callsUnderWay += 1;
    return this.#performer.perform(action, mode, this.#returned);
  }
}
