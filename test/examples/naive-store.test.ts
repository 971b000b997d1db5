/**
 * At stake: who tests a store of their own on the simulated disk copies docs/simulating-your-own.md; its example must run,
 * and find what the page says. Tried by running it and holding the page's code and output against it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Sometimes } from '../../sim/index.js';
import { runBuilt } from './built.js';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/simulating-your-own.md'), 'utf8');

test('the page shows the example, word for word', () => {
  const source = readFileSync(join(root, 'examples/naive-store/main.ts'), 'utf8')
    .replace(`'../../src/index.js'`, `'keelson'`)
    .replace(`'../../sim/index.js'`, `'keelson/sim'`);
  expect(/^```ts\n(.*?)^```$/ms.exec(page)?.[1]).toBe(source);
});

test.each(['', ' --mended', ' --mended --short-writes'])('and what it prints with "%s"', async (flags) => {
  const args = flags.split(' ').filter((flag) => flag !== '');
  const { code, stdout } = await runBuilt('examples/naive-store/main.js', args);
  expect(code).toBe(0);
  const command = `    $ node dist/examples/naive-store/main.js${flags}\n`;
  expect(page).toContain(command + stdout.replace(/^/gm, '    ').trimEnd());
});

test('a state that no seed reached is named, and one that was not announced is refused', () => {
  const met = new Sometimes(['a crash', 'a torn write']);
  met.count('a crash');
  met.count('a torn write', false);
  expect([...met.counts]).toEqual([
    ['a crash', 1],
    ['a torn write', 0],
  ]);
  expect(met.never).toEqual(['a torn write']);
  expect(() => {
    met.count('a crahs');
  }).toThrow(RangeError);
});
