/**
 * At stake: who plugs Keelson into a Raft copies what docs/plugging-in.md shows, and a loop there that does not run, or is
 * not the one that the simulator crashes, is worse than none. Tried by holding every piece of TypeScript on the page
 * against the source that it comes from, and by running the program that the pieces make.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const root = join(import.meta.dirname, '../..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Lines without their indentation, which a piece of a class has none of, and without empty ones. */
function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** What runs in tests of its own, and is shown in pieces: how many, and whence. */
const SHOWN = [
  [4, 'sim/raft/host/raft-driver.ts'],
  [4, 'examples/etcd-raft/host/async-storage.ts'],
  [1, 'examples/etcd-raft/host/log-storage.ts'],
] as const;
const isOf = (code: string, path: string): boolean =>
  lines(textOf(path)).join('\n').includes(lines(code).join('\n'));
const fences = [...textOf('docs/plugging-in.md').matchAll(/^```ts\n(.*?)^```$/gms)].map(
  ([, code = '']) => code,
);
test.each(SHOWN)('%i pieces are as they stand in %s', (count, path) => {
  expect(fences.filter((code) => isOf(code, path))).toHaveLength(count);
});

test('the pieces of the program are, one after the other, the whole of it', () => {
  const program = fences.filter((code) => !SHOWN.some(([, path]) => isOf(code, path))).join('\n');
  // Users import the package by its name, this repository its source.
  const source = textOf('examples/three-servers/main.ts')
    .replace(`'../../src/index.js'`, `'keelson'`)
    .replace(`'../../sim/index.js'`, `'keelson/sim'`);
  expect(lines(program)).toEqual(lines(source));
});

test('the program runs, and finds on the second run what it replicated on the first', async () => {
  const cwd = scratchDirectory();
  const first = await runBuilt('examples/three-servers/main.js', [], { cwd });
  const told = '0 words before, 150 now, the last is "word 150"\n';
  expect(first).toEqual({ code: 0, stderr: '', stdout: told });
  const second = await runBuilt('examples/three-servers/main.js', [], { cwd });
  expect(second).toMatchObject({ code: 0, stdout: '150 words before, 300 now, the last is "word 300"\n' });
});
