import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../../..');
const MODULE = join(ROOT, 'examples/go-raft');

/** What Go there is; null for none. */
export async function goVersion(): Promise<string | null> {
  try {
    return (await run('go', ['version'])).stdout.trim();
  } catch {
    return null;
  }
}

/** Makes the client's code from the .proto, and the program of a member; returns where that is. */
export async function buildNode(folder: string): Promise<string> {
  const program = join(folder, 'node');
  await run('go', ['generate', './...'], { cwd: MODULE });
  await run('go', ['build', '-o', program, './node'], { cwd: MODULE });
  return program;
}
