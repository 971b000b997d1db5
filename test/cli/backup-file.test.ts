/**
 * A backup that was cut by a power cut and looks whole is worse than none: it is found out on the day it is needed. The file of a
 * backup is written on the simulated disk, stopped and failed at every call, and must be whole under its name or not there.
 */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { DiskProfile } from '../../sim/disk/harm/profile.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { writeNewFile, type Put } from '../../src/cli/backup/new-file.js';
import { filesOf, writeBackup } from '../../src/cli/backup/write-backup.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import type { Disk } from '../../src/disk/index.js';
import { readFully } from '../../src/disk/read-fully.js';
import type { CheckpointFile } from '../../src/format/checkpoint-file.js';
import { verifyCopy } from '../../src/raft-log/copies/verify-copy.js';
import { crashesOf, describing, textOf } from '../crash/crash-everywhere.js';
import { entriesFrom, openLog, scratch } from '../raft-log/scratch-log.js';

const PATH = '/data/log.tar';
const BYTES = Uint8Array.from({ length: 9000 }, (_, at) => at % 251);

function emptyDisk(seed = 4, profile: Partial<DiskProfile> = {}): SimulatedDisk {
  return createSimulatedDisk({ seed, profile: { calls: 'background', ...profile }, directories: ['/data'] });
}

async function write(put: Put): Promise<void> {
  for (let at = 0; at < BYTES.length; at += 3000) await put(BYTES.subarray(at, at + 3000));
}

/** Null: it is not there. */
async function read(disk: Disk, path: string): Promise<Uint8Array | null> {
  const stat = await disk.stat(path);
  if (stat === null) return null;
  const file = await disk.open(path, { access: 'read' });
  const bytes = new Uint8Array(stat.size);
  await readFully(file, bytes, 0);
  await file.close();
  return bytes;
}

test('a crash at every call leaves no file of that name, or all of it; and all of it once it was acknowledged', async () => {
  let isMade = false;
  const crashes = await crashesOf(
    emptyDisk(),
    async ({ disk }) => {
      await writeNewFile(disk, PATH, write);
      isMade = true;
    },
    () => true,
    () => isMade,
  );
  expect(crashes.length).toBeGreaterThan(10);
  for (const { disk: left, memory: wasMade, stop } of crashes)
    await describing(textOf(stop), async () => {
      await left.run(async ({ disk }) => {
        const found = await read(disk, PATH);
        if (wasMade || found !== null) expect(found).toEqual(BYTES);
      });
    });
});

test('a call that fails, or a disk that is full, leaves nothing of it and is told', async () => {
  const rehearsal = emptyDisk();
  await rehearsal.run(({ disk }) => writeNewFile(disk, PATH, write));
  for (let call = 1; call <= rehearsal.callCount; call += 1)
    for (const [seed, code] of ['EIO', 'ENOSPC', 'EIO', 'EIO', 'EIO'].entries()) {
      const disk = emptyDisk(seed, { images: 'drop-all', failedSync: 'keeps' });
      disk.direct(call, { code });
      await describing(`${code} at call ${call}`, async () => {
        let failed: unknown = null;
        await disk.run(async (environment) => {
          failed = await writeNewFile(environment.disk, PATH, write).then(
            () => null,
            (error: unknown) => error,
          );
          if (failed !== null) expect(failed).toMatchObject({ family: 'environment' });
          expect(await read(environment.disk, PATH)).toEqual(failed === null ? BYTES : null);
        });
        disk.crash('power');
        await disk.run(async (environment) => {
          expect(await read(environment.disk, PATH)).toEqual(failed === null ? BYTES : null);
        });
      });
    }
});

test('a stream that takes no more ends the backup with its own error', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await log.save({ hardState: { term: 2 }, entries: entriesFrom(1, 40, 2, 900) });
  const copy = join(root, 'copy');
  await log.checkpoint({ scope: 'durable', to: copy });
  const { checkpoint } = await verifyCopy(nodeEnvironment(), copy);
  const files = await filesOf(copy, checkpoint as CheckpointFile, null);
  let pieces = 0;
  const out = new Writable({
    write(_bytes, _encoding, done) {
      done(++pieces === 3 ? Object.assign(new Error('full'), { code: 'ENOSPC' }) : null);
    },
  });
  const writing = writeBackup(copy, checkpoint as CheckpointFile, null, files, out, () => undefined);
  await expect(writing).rejects.toMatchObject({ code: 'ENOSPC' });
});
