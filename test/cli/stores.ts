import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type * as Cli from '../../src/cli/run.js';
import type { Entry } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { runBuilt, type Ran } from '../examples/built.js';
import { scratch } from '../raft-log/scratch-log.js';

const BUILT = join(import.meta.dirname, '../../dist/src/cli');
/** The built command line, as a shell calls it. */
export const KEELSON_COMMAND: string = `"${process.execPath}" "${join(BUILT, 'main.js')}"`;

/** Runs the built command line in this process: what it does, prints and answers is what a process of its own would. */
export async function keelson(...args: readonly string[]): Promise<Ran> {
  const { run } = (await import(join(BUILT, 'run.js'))) as typeof Cli;
  const [stdout, stderr] = [new Kept(), new Kept()];
  let ended: number | null = null;
  const exit = (code: number): void => {
    ended ??= code;
  };
  const code = await run(args, { stdin: Readable.from([]), stdout, stderr, once: () => undefined, exit });
  return { code: ended ?? code, stdout: stdout.text, stderr: stderr.text };
}

/** Runs it as a process: what starts others by its own path, or is told to end by signals. */
export function keelsonProcess(...args: readonly string[]): Promise<Ran> {
  return runBuilt('src/cli/main.js', args);
}

class Kept extends Writable {
  readonly #pieces: Uint8Array[] = [];

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.#pieces.push(bytes);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString();
  }
}

/** Runs a line of the shell in which `keelson` is the built command line. */
export async function shell(
  line: string,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const child = spawn('bash', ['-c', `keelson() { ${KEELSON_COMMAND} "$@"; }; ${line}`]);
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

export function textOf(index: number): string {
  return `entry ${index} ${'.'.repeat(200)}`;
}

/** Entries that say which they are. */
export function entriesOf(from: number, until: number, term: number): Entry[] {
  return Array.from({ length: until - from }, (_, at) => ({
    index: from + at,
    term,
    data: Buffer.from(textOf(from + at)),
  }));
}

/** A closed store of a few small segments on the real disk: entries 1..60 of terms 1 and 3, each commit one save behind. */
export async function madeStore(options: { readonly hasSnapshot?: boolean } = {}): Promise<string> {
  const dir = join(scratch(), 'log');
  const log = await openRaftLog({ dir, segmentBytes: 8192 });
  for (let index = 1; index < 60; index += 3) {
    const term = index < 30 ? 1 : 3;
    const hardState = { term, vote: `node-${term}`, commit: index - 1 };
    await log.save({ hardState, entries: entriesOf(index, index + 3, term) });
  }
  if (options.hasSnapshot === true) {
    await log.createSnapshot({ index: 40, conf: Buffer.from('conf'), data: Buffer.from('x'.repeat(900)) });
    await log.compact(30);
  }
  await marked(dir);
  await log.close();
  return dir;
}

/** Resolves when an end mark stands on the disk (D12). */
async function marked(dir: string): Promise<void> {
  const path = join(dir, 'marks');
  while (!existsSync(path) || readFileSync(path).length === 0)
    await new Promise((resolve) => setImmediate(resolve));
}

/** The path of a segment. */
export function segmentOf(dir: string, number: number): string {
  return join(dir, 'wal', `${String(number).padStart(16, '0')}.wal`);
}

/** Flips one bit of a file. */
export function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

/** Fills a part of a file with zeros. */
export function zero(path: string, from: number, until: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0, from, until);
  writeFileSync(path, bytes);
}
