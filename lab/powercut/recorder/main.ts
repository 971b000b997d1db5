/**
 * The recorder: a file system over `/dev/fuse` whose files are disks. A name that is looked up is a disk of the
 * folder (disk-files.ts), taken into service then; loop devices stand on the files. A process of its own, which does
 * one request after the other and never touches its own mount, so that nothing it waits for waits for it.
 *
 * Arguments: the folder, the mount point.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { FuseServer } from './fuse-server.js';
import { WRITE_BYTES_MAX } from '../fuse/reply.js';

const [folder, mountPoint] = process.argv.slice(2);
if (folder === undefined || mountPoint === undefined) throw new Error('usage: recorder FOLDER MOUNT-POINT');
serve(mount(mountPoint), new FuseServer(folder));

/** The kernel keeps the connection for as long as this descriptor is open; the mount inherits it only to name it. */
function mount(at: string): number {
  const device = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
  const done = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'keelson-lab', at], {
    stdio: ['ignore', 'inherit', 'inherit', device],
    timeout: 10_000,
  });
  if (done.status !== 0)
    throw new Error(`mount -t fuse failed: ${done.status ?? done.signal ?? 'not started'}`);
  return device;
}

function serve(device: number, server: FuseServer): void {
  const message = Buffer.alloc(WRITE_BYTES_MAX + 64 * 1024);
  for (;;) {
    const length = nextMessage(device, message);
    if (length === 0) break;
    const reply = server.answer(message.subarray(0, length));
    if (reply === null) continue;
    try {
      writeSync(device, reply);
    } catch (error) {
      // ENOENT: whoever asked was killed meanwhile and waits no more.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  server.close();
  closeSync(device);
}

/** The length of the next message; 0 once the file system is unmounted. */
function nextMessage(device: number, into: Buffer): number {
  for (;;) {
    try {
      return readSync(device, into, 0, into.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODEV') return 0;
      if (code !== 'EINTR' && code !== 'EAGAIN' && code !== 'ENOENT') throw error;
    }
  }
}
