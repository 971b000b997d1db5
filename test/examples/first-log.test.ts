/**
 * At stake: the first lines that a newcomer copies must run, and be those that README shows. Tried by running
 * the built example twice on one log, and by holding README's first block of TypeScript against its source.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const root = join(import.meta.dirname, '../..');

test('the example of the first screen runs, and finds on the second run what it saved on the first', async () => {
  const cwd = scratchDirectory();
  const first = await runBuilt('examples/first-log/main.js', [], { cwd });
  expect(first).toEqual({ code: 0, stderr: '', stdout: 'fresh: entries 1..0, term 0\n1 10\n2 11\n' });
  const second = await runBuilt('examples/first-log/main.js', [], { cwd });
  expect(second).toEqual({ code: 0, stderr: '', stdout: 'clean: entries 2..2, term 1\n3 10\n4 11\n' });
});

test('README shows that example, word for word', () => {
  const block = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  if (block === null) throw new Error('README.md has no block of TypeScript');
  const source = readFileSync(join(root, 'examples/first-log/main.ts'), 'utf8');
  // Users import the package by its name, this repository its source.
  expect(block[1]).toBe(source.replace(`'../../src/index.js'`, `'keelson'`));
});
