import type { Environment } from '../../src/disk/environment.js';
import type {
  Awaitable,
  CallMode,
  DirectoryEntry,
  Disk,
  DiskFile,
  FileStat,
  OpenOptions,
  SpaceStat,
} from '../../src/disk/port.js';
import type { EventQueue } from '../world/event-queue.js';
import { simulatedEnvironment } from '../world/simulated-environment.js';
import type { Action } from './calls/action.js';
import type { DiskNode } from './image/file-system.js';
import {
  LinkAction,
  MkdirAction,
  OpenAction,
  type Opener,
  ReaddirAction,
  RenameAction,
  StatAction,
  StatfsAction,
  SyncDirectoryAction,
  UnlinkAction,
} from './calls/name-actions.js';
import type { Caller, OpenFile } from './image/open-file.js';
import { diskError } from './image/paths.js';
import { SimulatedFile } from './simulated-file.js';

/** What carries out the calls of a process: the simulated machine. */
export interface Machine {
  readonly queue: EventQueue;
  readonly sequence: number;
  readonly openFilesMax: number;
  isInline(mode: CallMode): boolean;
  perform<T>(process: SimulatedProcess, action: Action<T>, mode: CallMode): Awaitable<T>;
  opened(node: DiskNode): void;
  closed(file: OpenFile): void;
  kill(process: SimulatedProcess): void;
}

/**
 * One process on a simulated machine: the store under test runs in it. It sees the disk through the port.
 * Once it has died, none of its calls ever returns, none of its timers ever runs, and its locks are free.
 */
export class SimulatedProcess implements Disk, Caller {
  /** Counted from 1 over the life of the disk. */
  readonly id: number;
  /** What the store under test is given: the disk, virtual time, randomness from the seed. */
  readonly environment: Environment;
  /** Resolves when the process dies. */
  readonly died: Promise<void>;
  hasLostLock = false;
  readonly #machine: Machine;
  readonly #files: Set<OpenFile> = new Set<OpenFile>();
  readonly #opener: Opener = {
    admit: (path) => {
      this.#admit(path);
    },
    wrap: (path, options, node) => this.#wrap(path, options, node),
  };
  #isAlive = true;
  #tellDeath: () => void = () => undefined;

  constructor(machine: Machine, id: number, seed: number) {
    this.#machine = machine;
    this.id = id;
    this.died = new Promise<void>((resolve) => {
      this.#tellDeath = resolve;
    });
    this.environment = simulatedEnvironment({
      queue: machine.queue,
      disk: this,
      seed,
      isAlive: () => this.#isAlive,
    });
  }

  /** Until it is killed, or the machine crashes. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** The port. */
  get disk(): Disk {
    return this;
  }

  /** For files of this process: the place of the next call in the order of all. */
  get sequence(): number {
    return this.#machine.sequence;
  }

  /** Files that it holds open, handles of directories included. */
  get openFileCount(): number {
    return this.#files.size;
  }

  /** This process alone dies, as by SIGKILL; others on the machine live on. */
  kill(): void {
    if (this.#isAlive) this.#machine.kill(this);
  }

  /** For the machine only: the end of the process. */
  die(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const file of this.#files) this.#machine.closed(file);
    this.#files.clear();
    this.#tellDeath();
  }

  /** Takes away the locks that it holds, without telling it. */
  loseLocks(): boolean {
    let lost = false;
    for (const file of this.#files) {
      if (file.node.kind !== 'file' || file.node.lockedBy !== file) continue;
      file.node.lockedBy = null;
      lost = true;
    }
    if (lost) this.hasLostLock = true;
    return lost;
  }

  /** For files of this process: makes a call of the machine; it never returns to a dead process. */
  perform<T>(action: Action<T>, mode: CallMode, onReturn?: () => void): Awaitable<T> {
    if (!this.#isAlive) return new Promise<T>(() => undefined);
    if (onReturn === undefined) return this.#machine.perform(this, action, mode);
    let result: Awaitable<T>;
    try {
      result = this.#machine.perform(this, action, mode);
    } catch (error) {
      onReturn();
      throw error;
    }
    if (result instanceof Promise) void result.then(onReturn, onReturn);
    else onReturn();
    return result;
  }

  /** For files of this process: fails a call as the machine would, in its mode. */
  refuse<T>(error: Error, mode: CallMode): Awaitable<T> {
    if (!this.#isAlive) return new Promise<T>(() => undefined);
    if (this.#machine.isInline(mode)) throw error;
    return Promise.reject(error);
  }

  /** The port's call: see `Disk`. */
  open(path: string, options: OpenOptions): Awaitable<DiskFile> {
    return this.perform(new OpenAction(path, options, this.#opener), options.mode ?? 'background');
  }

  mkdir(path: string): Awaitable<void> {
    return this.perform(new MkdirAction(path), 'background');
  }

  readdir(path: string): Awaitable<readonly DirectoryEntry[]> {
    return this.perform(new ReaddirAction(path), 'background');
  }

  stat(path: string): Awaitable<FileStat | null> {
    return this.perform(new StatAction(path), 'background');
  }

  /** The port's call: see `Disk`. */
  statfs(path: string): Awaitable<SpaceStat> {
    return this.perform(new StatfsAction(path), 'background');
  }

  rename(from: string, to: string): Awaitable<void> {
    return this.perform(new RenameAction(from, to), 'background');
  }

  unlink(path: string): Awaitable<void> {
    return this.perform(new UnlinkAction(path), 'background');
  }

  link(from: string, to: string): Awaitable<void> {
    return this.perform(new LinkAction(from, to), 'background');
  }

  syncDirectory(path: string): Awaitable<void> {
    return this.perform(new SyncDirectoryAction(path, this.#machine.sequence), 'background');
  }

  #admit(path: string): void {
    if (this.#files.size >= this.#machine.openFilesMax) throw diskError('EMFILE', 'open', path);
  }

  #wrap(path: string, options: OpenOptions, node: DiskNode): DiskFile {
    const file: OpenFile = {
      path,
      node,
      owner: this,
      isWritable: options.access === 'write',
      isDataSync: options.dataSync === true,
      isClosed: false,
      onClosed: () => this.#files.delete(file),
    };
    this.#files.add(file);
    this.#machine.opened(node);
    return new SimulatedFile(file, this);
  }
}
