import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Measured } from './measure-open-log.bench.js';

const runFile = promisify(execFile);

/** What an open of that log comes to in a process of its own, which opens nothing else. */
export async function measureChild(dir: string): Promise<Measured> {
  const program = join(import.meta.dirname, 'measure-open-log.bench.js');
  const { stdout } = await runFile(process.execPath, ['--expose-gc', program, dir]);
  return JSON.parse(stdout) as Measured;
}
