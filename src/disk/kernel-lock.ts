import { createRequire } from 'node:module';
import { systemCode, systemError } from './system-error.js';

/** The one call of `fs-native-extensions` that is used; the package ships no types. */
interface LockAddon {
  tryLock(fd: number, offset: number, length: number): boolean;
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
 * Throws `ENOTSUP` where the native addon cannot be loaded, and what the kernel says where the file system
 * cannot lock.
 */
export function tryKernelLock(fd: number, path: string): boolean {
  // Loaded at the first lock, not at import: a platform without the addon can still import keelson, read
  // logs, and run all of it on another Environment.
  loaded ??= loadAddon(path);
  try {
    return loaded.tryLock(fd, LOCK_RANGE.offset, LOCK_RANGE.length);
  } catch (error) {
    if (HELD_ELSEWHERE.has(systemCode(error))) return false;
    throw error;
  }
}

function loadAddon(path: string): LockAddon {
  let addon: unknown;
  try {
    const require = createRequire(import.meta.url);
    addon = require('fs-native-extensions');
  } catch (cause) {
    throw systemError(
      'ENOTSUP',
      `the native addon fs-native-extensions, which keelson locks files with, does not load on ` +
        `${process.platform}-${process.arch}; reinstall keelson's dependencies for this platform`,
      { syscall: 'lock', path, cause },
    );
  }
  if (isLockAddon(addon)) return addon;
  throw systemError('ENOTSUP', 'this version of fs-native-extensions has no tryLock', {
    syscall: 'lock',
    path,
  });
}

function isLockAddon(addon: unknown): addon is LockAddon {
  return (
    typeof addon === 'object' && addon !== null && 'tryLock' in addon && typeof addon.tryLock === 'function'
  );
}
