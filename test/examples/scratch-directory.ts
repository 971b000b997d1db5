import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new directory on the real file system, removed when the running test has finished. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-examples-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
