import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { systemCode, systemError } from './system-error.js';

/** What is used of `fs-native-extensions`; the package ships no types. */
interface LockAddon {
  /** Only the package's answer says whether it is held elsewhere; its file's says nothing, and throws what the kernel says. */
  tryLock(fd: number, offset: number, length: number, isExclusive: true): boolean | undefined;
  unlock(fd: number, offset: number, length: number): void;
}

/**
 * Where the lock sits. Linux (open file description locks) and macOS (flock): the whole file, 0 and 0;
 * both are advisory, so readers are not hindered. Windows locks are mandatory: one byte far behind any end
 * of file, so that a reader of the locked file is not refused its bytes.
 */
const LOCK_RANGE: { readonly offset: number; readonly length: number } =
  process.platform === 'win32' ? { offset: 2 ** 40, length: 1 } : { offset: 0, length: 0 };

/** What kernels answer where another open file holds the lock. */
const HELD_ELSEWHERE: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EACCES', 'EBUSY']);

let loaded: LockAddon | undefined;

/**
 * Tries to lock the inode behind `fd`, exclusively and without waiting (D11). The lock belongs to this open
 * file, so a second open in the same process is refused too, and the kernel releases it when the file is
 * closed or its process dies (A9).
 *
 * Throws `ERR_NO_LOCK_ADDON` where the native addon cannot be loaded, `ERR_NO_LOCK_RUNTIME` where it cannot be called, and
 * what the kernel says where the file system cannot lock.
 */
export async function tryKernelLock(fd: number, path: string): Promise<boolean> {
  const addon = await lockAddon(path);
  try {
    return addon.tryLock(fd, LOCK_RANGE.offset, LOCK_RANGE.length, true) !== false;
  } catch (error) {
    if (HELD_ELSEWHERE.has(systemCode(error))) return false;
    throw error;
  }
}

/**
 * Gives the lock back. Closing the file does too, but only once every descriptor of it is closed, and a process that some
 * thread starts at this moment holds a second one until it is another program.
 */
export function releaseKernelLock(fd: number): void {
  try {
    loaded?.unlock(fd, LOCK_RANGE.offset, LOCK_RANGE.length);
  } catch {
    // Then the close gives it back.
  }
}

/** Throws what every {@link tryKernelLock} would throw where the addon is missing, before anything is made at `path`. */
export async function checkKernelLocks(path: string): Promise<void> {
  await lockAddon(path);
}

// Loaded at the first lock, not at import: a platform without the addon can still import keelson, read
// logs, and run all of it on another Environment.
async function lockAddon(path: string): Promise<LockAddon> {
  loaded ??= await loadAddon(path);
  return loaded;
}

/** Releases of the package whose file takes what {@link LockAddon} says: of another it might end the process. */
const FILE_KNOWN = /^1\.5\./;

/**
 * What the addon's own file exports; undefined where that is not at its usual place, or nobody knows where this module
 * stands, as in a bundle of CommonJS. By way of the package twenty more modules are loaded to find it, which takes longer
 * than to open a small log.
 *
 * @param from URL of a module that may load the package
 */
export function addonFile(from: string | undefined): unknown {
  try {
    // The package finds none where there is no build for the C library, and this one might load all the same.
    if (from === undefined || existsSync('/etc/alpine-release')) return undefined;
    const load = createRequire(from);
    const manifest = load.resolve('fs-native-extensions/package.json');
    const { version } = load(manifest) as { readonly version: string };
    if (!FILE_KNOWN.test(version)) return undefined;
    // Of this very copy: where it has none, the name alone would find that of another release further out.
    const file = `prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
    return load(join(dirname(manifest), file)) as unknown;
  } catch {
    return undefined;
  }
}

/** By its own file; else by an import of its package that bundlers see, and that needs no `import.meta`. */
async function loadAddon(path: string): Promise<LockAddon> {
  const runtime = runtimeWithoutLocks(process.versions);
  if (runtime !== undefined) {
    const why = `the native addon fs-native-extensions would end the process under ${runtime}, which lacks calls of libuv`;
    throw systemError('ERR_NO_LOCK_RUNTIME', why, { syscall: 'lock', path });
  }
  let addon = addonFile(import.meta.url);
  if (isLockAddon(addon)) return addon;
  try {
    // @ts-expect-error: the package ships no types
    const namespace = (await import('fs-native-extensions')) as { readonly default?: unknown };
    addon = namespace.default ?? namespace;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw systemError(
      'ERR_NO_LOCK_ADDON',
      `the native addon fs-native-extensions does not load on ${process.platform}-${process.arch}: ${why}`,
      { syscall: 'lock', path, cause },
    );
  }
  if (isLockAddon(addon)) return addon;
  throw systemError('ERR_NO_LOCK_ADDON', 'this version of fs-native-extensions has no tryLock and unlock', {
    syscall: 'lock',
    path,
  });
}

/**
 * The runtime, if it is one that calls itself Node and loads the addon, but dies in it: Deno at the first lock, Bun at the
 * first that is refused. A lock of another kind would not do: Deno's own is a `flock`, which the open file description
 * lock of a Node process beside it does not see.
 */
export function runtimeWithoutLocks(
  versions: Readonly<Record<string, string | undefined>>,
): string | undefined {
  for (const name of ['bun', 'deno']) {
    if (versions[name] !== undefined) return `${name === 'bun' ? 'Bun' : 'Deno'} ${versions[name]}`;
  }
  return undefined;
}

function isLockAddon(addon: unknown): addon is LockAddon {
  return (
    typeof addon === 'object' &&
    addon !== null &&
    'tryLock' in addon &&
    typeof addon.tryLock === 'function' &&
    'unlock' in addon &&
    typeof addon.unlock === 'function'
  );
}
