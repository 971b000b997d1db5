import type { Awaitable, CallMode, Disk, DiskFile, Environment, OpenOptions } from '../../../src/index.js';

/** What may be put around the calls of a disk. Each hook runs the call itself, as often as it likes. */
export interface DiskHooks {
  /** Before each call that changes something, with its name and path. */
  readonly before?: (call: string, path: string) => void;
  readonly open?: (options: OpenOptions) => OpenOptions;
  readonly write?: (write: HookedWrite) => Awaitable<number>;
  readonly sync?: (path: string, sync: () => Awaitable<void>) => Awaitable<void>;
  readonly syncDirectory?: (path: string, sync: () => Awaitable<void>) => Awaitable<void>;
}

export interface HookedWrite {
  readonly file: DiskFile;
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly run: () => Awaitable<number>;
}

/** The same environment, with the hooks around its disk. */
export function hooked(environment: Environment, hooks: DiskHooks): Environment {
  return {
    disk: hookedDisk(environment.disk, hooks),
    now: () => environment.now(),
    setTimer: (ms, run) => environment.setTimer(ms, run),
    endOfTurn: (run) => environment.endOfTurn(run),
    fillRandom: (into) => environment.fillRandom(into),
  };
}

function hookedDisk(disk: Disk, hooks: DiskHooks): Disk {
  const before = (call: string, path: string): void => hooks.before?.(call, path);
  return {
    checkLocks: (path) => disk.checkLocks?.(path),
    readdir: (path) => disk.readdir(path),
    stat: (path) => disk.stat(path),
    statfs: (path) => disk.statfs(path),
    open: async (path, options) => {
      before('open', path);
      return hookedFile(await disk.open(path, hooks.open?.(options) ?? options), hooks);
    },
    mkdir: (path) => {
      before('mkdir', path);
      return disk.mkdir(path);
    },
    rename: (from, to) => {
      before('rename', to);
      return disk.rename(from, to);
    },
    unlink: (path) => {
      before('unlink', path);
      return disk.unlink(path);
    },
    link: (from, to) => {
      before('link', to);
      return disk.link(from, to);
    },
    syncDirectory: (path) => {
      before('syncDirectory', path);
      const run = (): Awaitable<void> => disk.syncDirectory(path);
      return hooks.syncDirectory === undefined ? run() : hooks.syncDirectory(path, run);
    },
  };
}

function hookedFile(file: DiskFile, hooks: DiskHooks): DiskFile {
  const { path } = file;
  const synced = (run: () => Awaitable<void>): Awaitable<void> => {
    hooks.before?.('sync', path);
    return hooks.sync === undefined ? run() : hooks.sync(path, run);
  };
  return {
    path,
    read: (into, position, mode) => file.read(into, position, mode),
    write: (bytes, position, mode) => {
      hooks.before?.('write', path);
      const run = (): Awaitable<number> => file.write(bytes, position, mode);
      return hooks.write === undefined ? run() : hooks.write({ file, bytes, position, run });
    },
    truncate: (size) => {
      hooks.before?.('truncate', path);
      return file.truncate(size);
    },
    dataSync: (mode?: CallMode) => synced(() => file.dataSync(mode)),
    sync: (mode?: CallMode) => synced(() => file.sync(mode)),
    stat: (mode) => file.stat(mode),
    tryLock: () => file.tryLock(),
    close: (mode) => file.close(mode),
  };
}
