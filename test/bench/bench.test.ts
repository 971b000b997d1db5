/**
 * At stake: the figures in README come from this program; one that fails, hangs or leaves gigabytes behind is
 * found out too late. Tried by running the built one for moments; what it measures there means nothing.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readOptions } from '../../bench/options.js';

const program = join(import.meta.dirname, '../../dist/bench/main.js');

function bench(
  args: readonly string[],
  temporary: string,
): Promise<{ code: number; out: string; err: string }> {
  if (!existsSync(program)) throw new Error(`${program} is not there. Run: npm run build`);
  const env = { ...process.env, TMPDIR: temporary };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, encoding: 'utf8' }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-bench-test-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

test('the cases asked for run, are told as data, keep to what the design allows, and leave nothing behind', async () => {
  const temporary = temporaryDirectory();
  const names = ['one', 'batch', 'savers', 'recent'];
  const ran = await bench([...names, '--rounds', '2', '--seconds', '0.1', '--json'], temporary);
  expect(ran.err).toBe('');
  expect(ran.code).toBe(0);
  const told = JSON.parse(ran.out) as {
    schemaVersion: number;
    rows: { work: string; keelson: number; isWithinBudget: boolean }[];
  };
  expect(told.schemaVersion).toBe(1);
  expect(told.rows.map(({ work }) => work)).toEqual([
    'one saver, 1 x 256 B',
    'one saver, 1 x 256 B: frame bytes',
    'one saver, 64 x 256 B',
    'one saver, 64 x 256 B: frame bytes',
    '64 savers of 1 x 256 B',
    'recent entries in ranges of 64',
  ]);
  for (const { work, keelson } of told.rows) expect(keelson, work).toBeGreaterThan(0);
  // Frames cost 1.35 of the payload one by one, 1.2 in batches, on any machine.
  const frames = told.rows.filter(({ work }) => work.endsWith('frame bytes'));
  expect(frames.map(({ isWithinBudget }) => isWithinBudget)).toEqual([true, true]);
  expect(readdirSync(temporary)).toEqual([]);
});

test('the guard says how it is called', async () => {
  const asked = await new Promise<{ code: unknown; err: string }>((resolve) => {
    const guard = join(import.meta.dirname, '../../dist/bench/guard.js');
    execFile(process.execPath, [guard], { encoding: 'utf8' }, (error, _out, err) => {
      resolve({ code: error?.code, err });
    });
  });
  expect(asked.code).toBe(2);
  expect(asked.err).toContain('--base REV');
});

test('the table is for people; the file has every row of it', async () => {
  const temporary = temporaryDirectory();
  const file = join(temporary, 'rows.json');
  const ran = await bench(['one', '--rounds', '1', '--seconds', '0.1', '--json', file], temporary);
  const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: { work: string }[] };
  expect(rows).toHaveLength(2);
  for (const { work } of rows) expect(ran.out).toContain(work);
});

test('what is no flag and no case is refused before anything is made', async () => {
  const temporary = temporaryDirectory();
  const ran = await bench(['nothing-of-that-name'], temporary);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain('nothing-of-that-name');
  expect(readdirSync(temporary)).toEqual([]);
});

test.each([
  [['two'], 'two'],
  [['--rounds', '0'], '--rounds'],
  [['--rounds', '1.5'], '--rounds'],
  [['--seconds', 'soon'], '--seconds'],
  [['--unknown'], '--unknown'],
])('%j is refused by name', (args, named) => {
  expect(() => readOptions(args, ['one'])).toThrow(named);
});
