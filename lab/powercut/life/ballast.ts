import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file beside the log that takes the room of its file system. */
export function ballastOf(dir: string): string {
  return join(dirname(dir), 'ballast');
}

/** Takes all room but about so many bytes. */
export function fill(dir: string, leave: number): void {
  // What is kept back for root too: the writers run as root, and would never be refused.
  const { bfree, bsize } = statfsSync(dirname(dir));
  const bytes = bfree * bsize - leave;
  // What the file system keeps for itself makes it fail at times; then the disk is only nearly as full.
  if (bytes > 0) spawnSync('fallocate', ['--length', String(bytes), ballastOf(dir)], { timeout: 10_000 });
}

/** Does nothing on a file system that has shut itself down: there no more room is to be had. */
export function giveRoom(dir: string): void {
  try {
    rmSync(ballastOf(dir), { force: true });
  } catch (error) {
    if (!['EROFS', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

export function isFilled(dir: string): boolean {
  return existsSync(ballastOf(dir));
}
