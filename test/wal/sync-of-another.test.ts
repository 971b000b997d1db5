/**
 * A failed sync of a directory forgets whatever anybody had pending in it, and tells one of them alone (D5). A writer that
 * lost its lock has just given a segment its name, its successor's sync of that directory fails, and its own then says OK:
 * it names the segment in the superblock and acknowledges what it wrote there. A power cut must not take the name away.
 */
import { expect, test } from 'vitest';
import type { Environment } from '../../src/disk/environment.js';
import type { Disk } from '../../src/disk/port.js';
import { appendEach, newDisk, WAL_DIR } from './scratch-wal.js';
import { open } from './wal-life.js';
import { readAll } from './wal-memory.js';

/** The same environment, whose next sync of the segments' directory waits once `hold` has been called. */
function withHeldSync(environment: Environment): {
  readonly environment: Environment;
  /** Resolves when that sync is about to be made. */
  hold(): Promise<void>;
  readonly release: () => void;
} {
  let onReached: (() => void) | null = null;
  let release = (): void => undefined;
  const syncDirectory = async (path: string): Promise<void> => {
    if (path === WAL_DIR && onReached !== null) {
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      onReached();
      onReached = null;
      await released;
    }
    await environment.disk.syncDirectory(path);
  };
  const disk = new Proxy(environment.disk, {
    get: (target, name) => {
      if (name === 'syncDirectory') return syncDirectory;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as Disk[keyof Disk]) : member;
    },
  });
  return {
    environment: { ...environment, disk },
    hold: () =>
      new Promise((resolve) => {
        onReached = resolve;
      }),
    release: () => {
      release();
    },
  };
}

test('a name whose sync another open has failed for lasts all the same', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const disk = newDisk(seed, {
      calls: 'inline',
      metadata: 'strict',
      images: 'drop-all',
      failedSync: 'keeps',
    });
    const process = disk.startProcess();
    const held = withHeldSync(process.environment);
    const wal = await open(held.environment);
    await appendEach(wal, 2, 500);
    const reached = held.hold();
    const appended = appendEach(wal, 8, 500, 3);
    await reached;
    disk.loseLock(process);
    disk.onCall = ({ kind, path }) =>
      kind === 'syncDirectory' && path === WAL_DIR ? { code: 'EIO' } : undefined;
    await expect(open(disk.environment)).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
    disk.onCall = null;
    held.release();
    await appended;
    disk.crash('power');
    const again = await open(disk.environment);
    expect((await readAll(again)).records, `with seed ${seed}`).toHaveLength(10);
    await again.close();
  }
});
