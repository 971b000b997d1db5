import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new directory on the real file system, removed when the running test has finished. */
export function scratchDirectory(under: string = tmpdir()): string {
  const directory = mkdtempSync(join(under, 'keelson-disk-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
