/**
 * At stake: a runtime that calls itself Node and cannot lock a file, or dies where a lock is refused, lets two writers
 * destroy a store. Tried by the built package under each runtime that is at hand, which must lock or say that it cannot.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const script = [
  join(import.meta.dirname, 'locks-or-says-so.mjs'),
  join(root, 'dist'),
  join(root, 'test/golden/v1/several-segments'),
];

describe('a second writer, or any writer where no lock is to be had, is refused', () => {
  test('under Node', () => {
    expect(execFileSync(process.execPath, script, { encoding: 'utf8' })).toBe('KEELSON_LOCKED\n');
  });

  for (const [program, options] of [
    ['bun', []],
    ['deno', ['run', '--allow-all']],
  ] as const) {
    const isThere = spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
    test.skipIf(!isThere)(`under ${program}${isThere ? '' : ` (skipped: no ${program})`}`, () => {
      const answer = execFileSync(program, [...options, ...script], { encoding: 'utf8' });
      expect(answer).toBe('KEELSON_LOCK_UNSUPPORTED\n');
    });
  }
});
