import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { command } from '../file-system/command.js';

const START_MS_MAX = 20_000;

/** The recorder's process, serving a folder's disks on a mount point. */
export class Recorder implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #mountPoint: string;
  readonly #ended: Promise<void>;
  #hasEnded = false;

  private constructor(folder: string, mountPoint: string) {
    this.#mountPoint = mountPoint;
    this.#process = spawn(process.execPath, [join(import.meta.dirname, 'main.js'), folder, mountPoint], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once('close', () => {
        this.#hasEnded = true;
        resolve();
      });
    });
  }

  /** Resolved: it is mounted, and answers. */
  static async start(folder: string, mountPoint: string): Promise<Recorder> {
    const before = statSync(mountPoint).dev;
    const recorder = new Recorder(folder, mountPoint);
    for (let waited = 0; waited < START_MS_MAX; waited += 20) {
      if (recorder.#hasEnded) throw new Error('the recorder ended before it was mounted');
      if (existsSync(mountPoint) && statSync(mountPoint).dev !== before) return recorder;
      await wait(20);
    }
    recorder.#process.kill('SIGKILL');
    throw new Error('the recorder did not come up');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    command('umount', '--lazy', this.#mountPoint);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    await this.#ended;
    clearTimeout(timer);
  }
}
