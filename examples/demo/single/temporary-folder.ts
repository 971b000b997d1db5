import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './options.js';

/** A folder of the demonstration's own; {@link remove} is safe to call twice, and from a signal's handler. */
export class TemporaryFolder {
  readonly path: string;

  /** Throws {@link UsageError} if there is no room for folders where the system keeps temporary ones. */
  constructor() {
    try {
      this.path = mkdtempSync(join(tmpdir(), 'keelson-demo-'));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(
        `cannot make a temporary folder: ${reason}. Set TMPDIR to a folder that takes one.`,
      );
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Bytes of all files in it. */
  bytesOnDisk(): number {
    return readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  }
}
