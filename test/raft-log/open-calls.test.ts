// A server that restarts waits for the calls of its disk one by one, and each call that nothing needs is time without a vote.
// A small store that was closed cleanly is opened on a disk that notes them: each is named here with what it is for, 55 in all.
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { withDisk, type Environment } from '../../src/disk/environment.js';
import type { Disk, DiskFile } from '../../src/disk/port.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';

const DIR = '/data/log';
const OPTIONS = { dir: DIR, segmentBytes: 65_536 };

const LOCK = [
  'stat superblock', // is there a store?
  'open superblock',
  'tryLock superblock',
  'stat superblock',
  'stat superblock.aside', // another open, making a store, has it away from its name
  'stat superblock', // the name leads to the inode that is locked
];
const LIST = ['readdir log', 'readdir wal'];
/** Each sync of names is followed by a look whether the directory still is ours. */
const NAMES_LAST = ['syncDirectory log', 'stat superblock', 'syncDirectory wal', 'stat superblock'];
const JUDGE = [
  'open marks',
  'read marks',
  'close marks',
  'open 0000000000000001.wal',
  'read 0000000000000001.wal', // header and preamble
  'stat 0000000000000001.wal',
  'read 0000000000000001.wal', // the seal of the clean end
  'read 0000000000000001.wal', // frames
  'open 0000000000000003-0000000000000001.snap',
  'stat 0000000000000003-0000000000000001.snap',
  'read 0000000000000003-0000000000000001.snap',
  'close 0000000000000003-0000000000000001.snap',
  'close 0000000000000001.wal',
  'read superblock', // the store stood still meanwhile
];
const WRITE_SLOT = ['write superblock', 'dataSync superblock'];
/** D11: a successor's slot is never written over, so each write begins with a look. */
const STAMP = ['read superblock', ...WRITE_SLOT, 'read superblock', ...WRITE_SLOT];
const LOOK_AGAIN = [
  'read superblock',
  ...LIST,
  'stat superblock', // before the tail is opened for writing: it is still the one of this store
  'open 0000000000000001.wal',
  'read 0000000000000001.wal', // nothing was added
];
const PROVE_TAIL = [
  'write 0000000000000001.wal', // the seal counts no more
  'dataSync 0000000000000001.wal',
];
const SNAPSHOTS = ['readdir snapshots', 'syncDirectory snapshots', 'stat superblock'];
const START = ['stat superblock', 'open marks', 'stat 0000000000000001.wal'];

/** Notes the calls of a disk and of its files, by what they are made of. */
function noting(environment: Environment, calls: string[]): Environment {
  const noted = <T extends Disk | DiskFile>(target: T, own: string | null): T =>
    new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]): unknown => {
          const path = own ?? (given[0] as string);
          if (name !== 'checkLocks') calls.push(`${String(name)} ${basename(path)}`);
          const result: unknown = Reflect.apply(member, target, given);
          if (name !== 'open') return result;
          return Promise.resolve(result).then((file) => noted(file as DiskFile, path));
        };
      },
    });
  return withDisk(environment, noted(environment.disk, null));
}

test('an open of a small store makes these calls of its disk, and no other', async () => {
  const { environment } = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const log = await openRaftLog({ ...OPTIONS, environment });
  const entries = [1, 2, 3, 4, 5].map((index) => ({ index, term: 1, data: Buffer.from('x') }));
  await log.save({ hardState: { term: 1, vote: 'a' }, entries });
  await log.createSnapshot({ index: 3, conf: Buffer.from('conf'), data: Buffer.from('state') });
  await log.close();
  const calls: string[] = [];
  const again = await openRaftLog({ ...OPTIONS, environment: noting(environment, calls) });
  const opened = [...calls];
  expect(again.recovery.verdict).toBe('clean');
  expect(again.snapshot?.index).toBe(3);
  await again.close();
  const renewed = WRITE_SLOT;
  const epochBegins = STAMP;
  expect(opened).toEqual([
    ...LOCK,
    'read superblock',
    ...LIST,
    ...NAMES_LAST,
    ...JUDGE,
    ...renewed,
    ...STAMP,
    ...LOOK_AGAIN,
    ...PROVE_TAIL,
    ...epochBegins,
    ...SNAPSHOTS,
    ...START,
  ]);
  expect(opened.length).toBeLessThanOrEqual(55);
});
