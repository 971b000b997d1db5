/**
 * At stake: an operator who restores a store moves the directory away under a server that still runs, or mounts a disk over
 * it; what that server then renames and unlinks would destroy both. Tried on the real disk: both stores are whole behind it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeelsonError } from '../../src/errors/index.js';
import { openRaftLog, type Entry, type RaftLog, type RaftLogOptions } from '../../src/index.js';
import { scratchDirectory } from '../disk/scratch-directory.js';

/** A child runs what was built: in its namespace nothing may compile. */
const BUILT = join(import.meta.dirname, '../../dist/src/index.js');
const SEGMENT_BYTES = 4096;

function open(dir: string, options: Partial<RaftLogOptions> = {}): Promise<RaftLog> {
  return openRaftLog({ dir, segmentBytes: SEGMENT_BYTES, ...options });
}

function next(log: RaftLog, fill: number): Entry[] {
  return [1, 2].map((at) => ({ index: log.lastIndex + at, term: 1, data: new Uint8Array(900).fill(fill) }));
}

/** Saves until a save is refused; the code of that refusal, or null if all were taken. */
async function saveOn(log: RaftLog, saves: number, fill: number): Promise<string | null> {
  try {
    if (log.hardState.term === 0) await log.setHardState({ term: 1 });
    for (let save = 0; save < saves; save += 1) await log.append(next(log, fill));
    return null;
  } catch (error) {
    return error instanceof KeelsonError ? error.code : String(error);
  }
}

async function contents(dir: string, options: Partial<RaftLogOptions> = {}): Promise<number[]> {
  const log = await open(dir, { create: 'never', ...options });
  const entries = await log.entries(log.firstIndex, log.lastIndex + 1);
  await log.close();
  return entries.map(({ data }) => data[0] as number);
}

async function storeOf(dir: string, saves: number, fill: number): Promise<RaftLog> {
  const log = await open(dir);
  expect(await saveOn(log, saves, fill)).toBeNull();
  return log;
}

const LATCHES = expect.stringMatching(/KEELSON_(FENCED|FAILED)/) as string;

test('another store in the place of a running one: the running one stops, and both are whole', async () => {
  const base = scratchDirectory();
  const dir = join(base, 'log');
  await (await storeOf(join(base, 'restored'), 12, 66)).close();
  const moved = await storeOf(dir, 4, 65);
  renameSync(dir, join(base, 'old'));
  renameSync(join(base, 'restored'), dir);
  const restored = await open(dir, { create: 'never' });
  expect(await saveOn(moved, 12, 65)).toEqual(LATCHES);
  expect(moved.status).toBe('failed');
  const acknowledged = moved.lastIndex;
  expect(await saveOn(restored, 1, 66)).toBeNull();
  await moved.close();
  await restored.close();
  expect(await contents(dir)).toEqual(new Array<number>(26).fill(66));
  expect(await contents(join(base, 'old'))).toEqual(new Array<number>(acknowledged).fill(65));
});

test('a read of the running one is no damage, since what it found is another store', async () => {
  const base = scratchDirectory();
  const dir = join(base, 'log');
  await (await storeOf(join(base, 'restored'), 12, 66)).close();
  const moved = await storeOf(dir, 8, 65);
  renameSync(dir, join(base, 'old'));
  renameSync(join(base, 'restored'), dir);
  await expect(moved.entries(1, 3)).rejects.toMatchObject({ code: 'KEELSON_FENCED', family: 'environment' });
  await moved.close();
});

test.each(['compaction', 'snapshot'])('a %s changes no name of the other', async (what) => {
  const base = scratchDirectory();
  const dir = join(base, 'log');
  const log = await storeOf(dir, 8, 65);
  await log.setHardState({ commit: 14 });
  const data = new Uint8Array(10);
  await log.createSnapshot({ index: 14, conf: data, data });
  await (await storeOf(join(base, 'restored'), 12, 66)).close();
  renameSync(dir, join(base, 'old'));
  renameSync(join(base, 'restored'), dir);
  const names = (): unknown => readdirSync(dir, { recursive: true });
  const before = names();
  await expect(
    what === 'compaction' ? log.compact(14) : log.createSnapshot({ index: 15, conf: data, data }),
  ).rejects.toMatchObject({ family: 'environment' });
  expect(log.status).toBe('failed');
  await log.close();
  expect(names()).toEqual(before);
  expect(await contents(dir)).toHaveLength(24);
  expect((await contents(join(base, 'old'))).at(-1)).toBe(65);
});

test('the directory of the segments alone is held too', async () => {
  const base = scratchDirectory();
  const dir = join(base, 'log');
  const walDir = join(base, 'wal');
  const log = await open(dir, { walDir });
  await saveOn(log, 1, 65);
  renameSync(walDir, join(base, 'gone'));
  mkdirSync(walDir);
  expect(await saveOn(log, 12, 65)).toEqual(LATCHES);
  await log.close();
  expect(readdirSync(walDir)).toEqual([]);
  renameSync(walDir, join(base, 'empty'));
  renameSync(join(base, 'gone'), walDir);
  expect(await contents(dir, { walDir })).toHaveLength(log.lastIndex);
});

test('nothing takes the place of a file where the next segment is to be', async () => {
  const dir = join(scratchDirectory(), 'log');
  const log = await storeOf(dir, 1, 65);
  const stranger = join(dir, 'wal', `${'2'.padStart(16, '0')}.wal`);
  mkdirSync(stranger);
  expect(await saveOn(log, 4, 65)).toBe('KEELSON_WRITE_FAILED');
  expect(log.status).toBe('open');
  renameSync(stranger, join(dir, 'put-aside'));
  expect(await saveOn(log, 4, 65)).toBeNull();
  await log.close();
});

const mayMount = process.platform === 'linux' && process.getuid?.() === 0 && canUnshare();

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a mount under a running log', () => {
  test.skipIf(!mayMount).each(['.', 'wal'])(
    `${mayMount ? '' : 'skipped: needs root and mount namespaces: '}a disk mounted over %s gets none of its files`,
    (onto) => {
      const child = join(import.meta.dirname, 'mount-over-child.mjs');
      const args = ['-m', process.execPath, child, BUILT, scratchDirectory(), onto];
      const { code, ...rest } = JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' })) as {
        code: string;
      };
      expect(code).toEqual(LATCHES);
      expect(rest).toEqual({ status: 'failed', names: [] });
    },
  );
});
