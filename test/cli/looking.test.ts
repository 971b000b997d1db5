/**
 * At night an operator trusts what the command line says of a store, and acts on it; it must be right, leave the store
 * as it is, and go on past damage. Tried on real directories that are whole, hurt, in use or none at all.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { openWal } from '../../src/wal/index.js';
import { entriesFrom, openLog, pictureOf, scratch } from '../raft-log/scratch-log.js';
import { entriesOf, flipBit, keelson, madeStore, segmentOf, shell, textOf, zero } from './stores.js';

interface Answer {
  readonly schemaVersion: number;
  readonly verdict: string;
  readonly damage: readonly { readonly code: string; readonly path: string; readonly offset: number }[];
  readonly [name: string]: unknown;
}

async function answerOf(...args: readonly string[]): Promise<Answer & { readonly code: number }> {
  const { code, stdout } = await keelson(...args, '--json');
  return { ...(JSON.parse(stdout) as Answer), code };
}

describe('a sound store', () => {
  test('inspect says what it holds, to people and to scripts', async () => {
    const dir = await madeStore({ hasSnapshot: true });
    const before = pictureOf(dir);
    const { code, stdout } = await keelson('inspect', dir);
    expect(code).toBe(0);
    for (const part of [
      `${dir} is sound`,
      'entries      31..60, 30 in all, last term 3',
      'hard state   term 3, vote "node-3", commit 57',
      'snapshot     index 40, term 3',
      'fit to vote  yes',
      'last end     closed',
      '  8 KiB  25..48   1..3 ',
    ])
      expect(stdout).toContain(part);
    const answer = await answerOf('inspect', dir);
    expect(answer).toMatchObject({
      schemaVersion: 1,
      verdict: 'sound',
      firstIndex: 31,
      lastIndex: 60,
      hardState: { term: 3, vote: 'node-3', commit: 57 },
      snapshot: { index: 40, term: 3 },
      unfitUntil: 0,
      code: 0,
    });
    expect((answer['segments'] as unknown[]).length).toBeGreaterThan(1);
    expect(pictureOf(dir)).toEqual(before);
  });

  test('verify reads all of it', async () => {
    const dir = await madeStore();
    const before = pictureOf(dir);
    expect(await keelson('verify', dir)).toMatchObject({ code: 0 });
    expect(await answerOf('verify', dir)).toMatchObject({ verdict: 'sound', entries: 60, damage: [] });
    expect(pictureOf(dir)).toEqual(before);
  });

  test('dump prints the records of a range, one a line', async () => {
    const dir = await madeStore({ hasSnapshot: true });
    const { code, stdout } = await keelson('dump', dir, '--from', '44', '--until', '46', '--data', 'utf8');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'store', schemaVersion: 1 });
    const entries = lines.filter(({ type }) => type === 'entry');
    expect(entries.map(({ index, term, data }) => [index, term, data])).toEqual([
      [44, 3, textOf(44)],
      [45, 3, textOf(45)],
    ]);
    const all = (await keelson('dump', dir, '--data', 'none')).stdout;
    for (const type of ['entry', 'hard-state', 'snapshot', 'compaction']) expect(all).toContain(`"${type}"`);
    expect(all).not.toContain('"data"');
  });

  test('a reader that goes away ends dump quietly', async () => {
    const dir = await madeStore();
    const { code, stderr } = await shell(`set -o pipefail; keelson dump '${dir}' | head -n 1`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('interrupted, it says so', async () => {
    const dir = await madeStore();
    const program = join(import.meta.dirname, '../../dist/src/cli/main.js');
    const log = await openRaftLog({ dir });
    for (let index = 61; index < 4000; index += 100)
      await log.append(entriesFrom(index, 100, 3, 1000).map((entry) => ({ ...entry })));
    await log.close();
    // Nobody reads more of its answer than the first bytes, so it cannot come to its end.
    const child = spawn(process.execPath, [program, 'dump', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child.stdout, 'readable');
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    child.stdout.destroy();
    expect(code).toBe(130);
  });

  test('a wal without a Raft log in it is looked at too', async () => {
    const dir = join(scratch(), 'wal');
    const wal = await openWal({ dir, segmentBytes: 4096 });
    for (let at = 0; at < 40; at += 1) await wal.append([{ kind: 7, data: Buffer.from(`record ${at}`) }]);
    await wal.close();
    expect(await answerOf('inspect', dir)).toMatchObject({ kind: 'wal', verdict: 'sound', lastLsn: 40 });
    expect((await keelson('dump', dir, '--data', 'utf8')).stdout).toContain('"data":"record 39"');
    flipBit(segmentOf(dir, 1), 700);
    expect(await answerOf('verify', dir)).toMatchObject({ verdict: 'damaged', code: 1 });
  });
});

describe('a damaged store', () => {
  test('each place is named, what can be read is shown, nothing is changed', async () => {
    const dir = await madeStore();
    flipBit(segmentOf(dir, 1), 1000);
    rmSync(segmentOf(dir, 2));
    const before = pictureOf(dir);
    const verified = await answerOf('verify', dir);
    expect(verified).toMatchObject({ schemaVersion: 1, verdict: 'damaged', code: 1 });
    expect(verified.damage.map(({ code, path }) => [code, path])).toEqual([
      ['KEELSON_CORRUPT', segmentOf(dir, 1)],
      ['KEELSON_MISSING_SEGMENT', segmentOf(dir, 2)],
    ]);
    const told = await keelson('verify', dir);
    expect(told.code).toBe(1);
    expect(told.stdout).toContain('is DAMAGED in 2 places');
    expect(told.stdout).toContain(`KEELSON_CORRUPT\n    ${segmentOf(dir, 1)}\n    at byte `);
    expect(told.stdout).toContain('A server does not open this store.');
    expect(told.stdout).toContain('Is data at risk?');
    expect(told.stdout).toContain('What to do:');
    const inspected = await answerOf('inspect', dir);
    expect(inspected).toMatchObject({ verdict: 'damaged', lastIndex: 60, code: 1 });
    expect((await keelson('inspect', dir)).stdout).toMatch(/fit to vote +not while it is damaged/);
    const dumped = await keelson('dump', dir, '--from', '58');
    expect(dumped.code).toBe(1);
    expect(dumped.stdout.match(/"type":"entry"/g)?.length).toBe(3);
    expect(dumped.stdout.match(/"type":"damage"/g)?.length).toBe(2);
    expect(pictureOf(dir)).toEqual(before);
  });

  test('without a superblock the segments still tell', async () => {
    const dir = await madeStore({ hasSnapshot: true });
    zero(join(dir, 'superblock'), 0, 8192);
    const answer = await answerOf('inspect', dir);
    expect(answer).toMatchObject({ verdict: 'damaged', firstIndex: 31, lastIndex: 60, code: 1 });
    expect(answer.damage).toMatchObject([{ code: 'KEELSON_CORRUPT', path: join(dir, 'superblock') }]);
    rmSync(join(dir, 'superblock'));
    expect(await answerOf('verify', dir)).toMatchObject({ verdict: 'damaged', code: 1 });
  });

  test('one bad slot is a note, since the other is whole', async () => {
    const dir = await madeStore();
    flipBit(join(dir, 'superblock'), 30);
    const { code, stdout } = await keelson('verify', dir);
    expect(code).toBe(0);
    expect(stdout).toContain(`note\n    ${join(dir, 'superblock')}\n`);
    expect(stdout).toContain('slot 0');
  });
});

test('damage in a sealed segment is served around, and so it is said', async () => {
  const dir = await madeStore();
  flipBit(segmentOf(dir, 1), 1000);
  const log = await openLog(dir);
  await log.close();
  for (const command of ['verify', 'inspect']) {
    const { code, stdout } = await keelson(command, dir);
    expect(code).toBe(1);
    expect(stdout).toContain('A server opens this store');
    expect(await answerOf(command, dir)).toMatchObject({ verdict: 'damaged', opens: true });
  }
  rmSync(segmentOf(dir, 2));
  await expect(openLog(dir)).rejects.toMatchObject({ code: 'KEELSON_MISSING_SEGMENT' });
  expect(await answerOf('verify', dir)).toMatchObject({ verdict: 'damaged', opens: false });
});

describe('beside a writer', () => {
  test('looking takes no lock, and a writer that saves is not taken for damage', async () => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir, { segmentBytes: 16_384 });
    await log.save({ entries: entriesFrom(1, 1, 1), hardState: { term: 1 } });
    let isLooking = true;
    const saves = async (): Promise<void> => {
      for (let index = 2; isLooking; index += 1) {
        await log.append(entriesFrom(index, 1, 1, 600));
        if (index % 50 !== 0) continue;
        await log.setHardState({ commit: index });
        await log.createSnapshot({ index, conf: Buffer.alloc(0), data: Buffer.from('s') });
        await log.compact(index);
      }
    };
    const looks = async (): Promise<number[]> => {
      const codes = [];
      for (let at = 0; at < 3; at += 1)
        for (const command of ['verify', 'inspect', 'dump']) codes.push((await keelson(command, dir)).code);
      isLooking = false;
      return codes;
    };
    const [codes] = await Promise.all([looks(), saves()]);
    expect(codes).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('what is no store', () => {
  test('is refused with what to check, exit code 3', async () => {
    const root = scratch();
    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'notes.txt'), 'mine');
    const empty = join(root, 'empty');
    mkdirSync(empty);
    for (const dir of [join(root, 'nowhere'), foreign, empty, join(foreign, 'notes.txt')]) {
      const { code, stderr, stdout } = await keelson('verify', dir);
      expect({ dir, code, stdout }).toEqual({ dir, code: 3, stdout: '' });
      expect(stderr).toMatch(/^keelson: KEELSON_NOT_A_LOG: .*Nothing was changed\. Check the path/);
      expect(await answerOf('inspect', dir)).toMatchObject({ error: { code: 'KEELSON_NOT_A_LOG' }, code: 3 });
    }
  });

  test('a store whose segments are elsewhere asks for --wal-dir', async () => {
    const root = scratch();
    const [dir, walDir] = [join(root, 'log'), join(root, 'segments')];
    const log = await openRaftLog({ dir, walDir, segmentBytes: 8192 });
    await log.save({ hardState: { term: 1 }, entries: entriesOf(1, 20, 1) });
    await log.close();
    for (const command of ['verify', 'inspect', 'dump']) {
      const { code, stderr } = await keelson(command, dir);
      expect(code).toBe(1);
      expect(stderr).toContain('name it (walDir, or --wal-dir PATH)');
    }
    expect((await keelson('verify', dir, '--wal-dir', walDir)).code).toBe(0);
  });
});
