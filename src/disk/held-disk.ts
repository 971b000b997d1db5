import { KeelsonError } from '../errors/index.js';
import { withDisk, type Environment } from './environment.js';
import type { Awaitable, DirectoryEntry, Disk, DiskFile, FileStat, OpenOptions, SpaceStat } from './port.js';
import { reading, statOf } from './told-calls.js';

/**
 * A disk on which names are changed only while the files that a log holds open still stand under theirs.
 *
 * A name leads to whatever directory stands there now, an open file to what it was opened as: where the directory is moved
 * away under a running log, or another is mounted over it, the log would go on in its own files and rename, unlink and
 * make files in a directory of others. So each change of a name, and each opening for writing, first looks whether the
 * held files are still found; once one is not, no change ever passes again. A sync of names looks behind it.
 *
 * What it cannot see is an exchange between that look and the change itself: no system that Node reaches names a file
 * relative to an open directory.
 */
export class HeldDisk implements Required<Disk> {
  readonly #disk: Disk;
  /** The identity of each held file, by the path under which it must be found. */
  readonly #held = new Map<string, string>();
  #lost: KeelsonError | null = null;
  /** Told once, when a held file was not found under its name. */
  onLost: (error: KeelsonError) => void = () => undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** From now on `path` must lead to the file of this identity. */
  holdId(path: string, id: string): void {
    this.#held.set(path, id);
  }

  /** From now on `path` must lead to this open file. */
  async hold(path: string, file: DiskFile): Promise<void> {
    const { id } = await reading('a file of the log, to know it again,', { path }, () => file.stat());
    this.holdId(path, id);
  }

  /** The file may leave its name. */
  release(path: string): void {
    this.#held.delete(path);
  }

  /** Nothing is held any more, and every change passes. */
  releaseAll(): void {
    this.#held.clear();
    this.#lost = null;
  }

  /** Throws `KEELSON_FENCED` if a held file is not found under its name, now or at any time before. */
  async check(): Promise<void> {
    await this.#check(null);
  }

  async #check(moving: { readonly from: string; readonly to: string } | null): Promise<void> {
    if (this.#lost !== null) throw this.#lost;
    for (const [path, id] of this.#held) {
      if ((await this.#idOf(path)) === id || this.#held.get(path) !== id) continue;
      const away = moving === null ? null : placeBefore(path, moving);
      if (away !== null && (await this.#idOf(away)) === id) continue;
      this.#lost ??= lostError(path);
      this.onLost(this.#lost);
      throw this.#lost;
    }
  }

  async #idOf(path: string): Promise<string | null> {
    const what = 'the directory of the log, to see whether it was moved away,';
    return (await statOf(this.#disk, path, what))?.id ?? null;
  }

  #guarded<T>(
    change: () => Awaitable<T>,
    moving: { readonly from: string; readonly to: string } | null = null,
  ): Awaitable<T> {
    if (this.#held.size === 0) return change();
    return this.#check(moving).then(change);
  }

  // What is optional in the port is none here, so that none is left out by mistake, and lost.
  checkLocks(path: string): Awaitable<void> {
    return this.#disk.checkLocks?.(path);
  }

  open(path: string, options: OpenOptions): Awaitable<DiskFile> {
    const open = (): Awaitable<DiskFile> => this.#disk.open(path, options);
    return options.access === 'write' ? this.#guarded(open) : open();
  }

  mkdir(path: string): Awaitable<void> {
    return this.#guarded(() => this.#disk.mkdir(path));
  }

  readdir(path: string): Awaitable<readonly DirectoryEntry[]> {
    return this.#disk.readdir(path);
  }

  stat(path: string): Awaitable<FileStat | null> {
    return this.#disk.stat(path);
  }

  statfs(path: string): Awaitable<SpaceStat> {
    return this.#disk.statfs(path);
  }

  rename(from: string, to: string): Awaitable<void> {
    return this.#guarded(() => this.#disk.rename(from, to), { from, to });
  }

  unlink(path: string): Awaitable<void> {
    return this.#guarded(() => this.#disk.unlink(path));
  }

  link(from: string, to: string): Awaitable<void> {
    return this.#guarded(() => this.#disk.link(from, to));
  }

  /** Looks behind the sync: of a directory that was exchanged since the change, it made the other one's names durable. */
  async syncDirectory(path: string): Promise<void> {
    await this.#disk.syncDirectory(path);
    await this.#check(null);
  }
}

/** An environment whose disk is a {@link HeldDisk}. */
export interface HeldEnvironment extends Required<Environment> {
  readonly disk: HeldDisk;
}

/** The same environment, with a disk of its own that holds the names of one log. */
export function holdingNames(environment: Environment): HeldEnvironment {
  return withDisk(environment, new HeldDisk(environment.disk));
}

/** Where a held file is looked for while it, or a directory above it, is put back to its name; null if this is not that. */
function placeBefore(
  path: string,
  { from, to }: { readonly from: string; readonly to: string },
): string | null {
  if (path === to) return from;
  const isBelow = path.startsWith(to) && (path[to.length] === '/' || path[to.length] === '\\');
  return isBelow ? from + path.slice(to.length) : null;
}

function lostError(path: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_FENCED',
    `${path} is not the file any more that this log holds open: its directory was moved away, another was put or mounted in its place, or its disk is not mounted any more. ` +
      'No name was changed since, neither here nor there. Close this log, then open what stands there now, or put the directory back first; whether saves under way were kept is decided by that.',
    { path },
  );
}
