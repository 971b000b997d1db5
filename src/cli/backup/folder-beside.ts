import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { changeFailed } from '../../disk/disk-failure.js';

/** Runs with an empty folder beside `dir`, which is gone when this is done, or the process ends. */
export async function withFolderBeside<T>(
  dir: string,
  purpose: string,
  run: (folder: string) => Promise<T>,
): Promise<T> {
  const whole = resolve(dir);
  const folder = join(dirname(whole), `.${basename(whole)}-${purpose}-${process.pid}`);
  const forget = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(folder);
  } catch (error) {
    throw changeFailed('a directory', { path: folder }, error, { then: 'try again' });
  }
  process.once('exit', forget);
  try {
    return await run(folder);
  } finally {
    forget();
    process.removeListener('exit', forget);
  }
}
