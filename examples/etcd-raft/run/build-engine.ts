import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = ['../../..', '../../../..']
  .map((up) => resolve(import.meta.dirname, up))
  .find((folder) => existsSync(join(folder, 'package.json')));
const GO_MODULE: string = join(ROOT ?? '', 'examples/etcd-raft');
/** Where the WebAssembly module is made: beside what else is built, and never committed. */
export const ENGINE_PATH: string = join(ROOT ?? '', 'dist/examples/etcd-raft/engine.wasm');

/** Makes the WebAssembly module. Go keeps what it has compiled: the second time takes a second. */
export async function buildEngine(): Promise<void> {
  await mkdir(dirname(ENGINE_PATH), { recursive: true });
  const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' };
  const flags = ['-buildmode=c-shared', '-ldflags=-s -w'];
  await run('go', ['build', ...flags, '-o', ENGINE_PATH, './engine'], { cwd: GO_MODULE, env });
}
