import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { FileSystem } from './file-system/file-systems.js';

/** What this machine lacks for the lab, in words; null if nothing. */
export function whatIsMissing({ make, type }: FileSystem): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/fuse')) return 'no /dev/fuse';
  if (!existsSync('/dev/loop-control')) return 'no loop devices';
  if (!existsSync('/dev/shm')) return 'no /dev/shm';
  const tools = ['unshare', 'losetup', 'mount', 'fallocate', ...make.slice(0, 1)];
  if (type === 'btrfs') tools.push('btrfs');
  const tool = tools.find((name) => !isThere(name));
  if (tool !== undefined) return `no ${tool}`;
  return spawnSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true']).status === 0
    ? null
    : 'no mount namespace of its own';
}

function isThere(program: string): boolean {
  // They are in /sbin, which a root by sudo may have no path to.
  return ['/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/local/bin'].some((folder) =>
    existsSync(`${folder}/${program}`),
  );
}
