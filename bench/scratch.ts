import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for everything that is measured, on the file system of the temporary directory (TMPDIR). */
export class Scratch {
  readonly path: string = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
  #next = 0;

  /** A path inside that nothing has yet. */
  fresh(): string {
    this.#next += 1;
    return join(this.path, String(this.#next));
  }

  /** Frees the space of what is no more needed. */
  drop(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  remove(): void {
    this.drop(this.path);
  }
}
