import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of the demonstration's own; {@link remove} is safe to call twice, and from a signal's handler. */
export class TemporaryFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'keelson-demo-'));

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
