/**
 * A save that was accepted must open with the heap that wrote it, or a server that runs today does not start tomorrow.
 * One save of very many empty entries is written by a process whose heap just holds them, and opened, read, verified and
 * repaired by others with the same heap.
 */
import { execFile } from 'node:child_process';
import { openSync, closeSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scratch } from './scratch-log.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const BUILT = join(ROOT, 'dist/src/index.js');
const CLI = join(ROOT, 'dist/src/cli/main.js');
const CHILD = join(import.meta.dirname, 'huge-save-child.mjs');
/** A tenth above what it takes: that much depends on when the collector comes. */
const HEAP = '--max-old-space-size=44';
const COUNT = 250_000;

/** What such a process says, and how it ended. */
async function withHeap(
  ...args: readonly string[]
): Promise<{ readonly code: unknown; readonly said: string }> {
  try {
    const { stdout } = await run(process.execPath, [HEAP, ...args]);
    return { code: 0, said: stdout.trim() };
  } catch (error) {
    const { code, signal, stdout } = error as { code: unknown; signal: unknown; stdout: string };
    return { code: code ?? signal, said: stdout.trim() };
  }
}

const child = (dir: string, order: string, ...rest: readonly string[]) =>
  withHeap(CHILD, BUILT, dir, order, ...rest);

/** Spoils the last frame, so that a repair has all before it to write anew. */
function hurtLastFrame(dir: string): void {
  const path = join(dir, 'wal/0000000000000001.wal');
  const at = readFileSync(path).lastIndexOf(Uint8Array.of(1, 2, 3));
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(9), 0, 1, at);
  closeSync(file);
}

test('opened, read, verified, inspected and repaired with the heap that wrote it', async () => {
  const dir = scratch();
  expect(await child(dir, 'write', String(COUNT))).toMatchObject({ code: 0 });
  for (const order of ['open', 'read'])
    expect(await child(dir, order), order).toEqual({ code: 0, said: String(COUNT + 1) });
  for (const command of ['verify', 'inspect'])
    expect(await withHeap(CLI, command, dir), command).toMatchObject({ code: 0 });
  hurtLastFrame(dir);
  const plan = await withHeap(CLI, 'repair', dir, '--plan', '--json');
  expect(plan.code).toBe(1);
  expect(JSON.parse(plan.said)).toMatchObject({ action: 'rebuild-log', result: { lastIndex: COUNT } });
  expect(await withHeap(CLI, 'repair', dir, '--apply')).toMatchObject({ code: 0 });
  expect(await child(dir, 'open')).toEqual({ code: 0, said: String(COUNT) });
});
