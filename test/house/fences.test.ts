/**
 * At stake: readers copy what stands in a fence, and one that nothing runs rots unseen. Tried by counting them: each of
 * TypeScript is run by the test that this table names, each line for a shell is held against the commands that there are.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { networkCommandOf } from '../../src/cli/network/names.js';
import { readCommandLine } from '../../src/cli/options.js';

const root = join(import.meta.dirname, '../..');

/** How many fences of TypeScript a page has, and who runs them. */
const RUN_BY: Readonly<Record<string, readonly [count: number, ...tests: string[]]>> = {
  'README.md': [1, 'test/examples/first-log.test.ts'],
  'docs/backups.md': [2, 'test/package/packed.test.ts'],
  'docs/grpc.md': [2, 'test/package/packed.test.ts', 'test/grpc/traces.test.ts'],
  'docs/plugging-in.md': [14, 'test/examples/plugging-in-page.test.ts'],
  'docs/simulating-your-own.md': [1, 'test/examples/naive-store.test.ts'],
  'docs/simulator.md': [1, 'test/package/packed.test.ts'],
};

/** What no test of ours can run, and is shown as an operator would combine it. */
const OF_OTHERS: ReadonlySet<string> = new Set(['zstd', 'ssh', 'cat', '$KV', 'KV=']);
/** Languages of fences that show something and are not for copying; their own tests hold them. */
const SHOWN: ReadonlySet<string> = new Set(['', 'text', 'rooms', 'json']);

const pages = ['README.md', 'CONTRIBUTING.md'].concat(
  ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      // What the site is made of is written anew by each build of it.
      .filter((path) => path.endsWith('.md') && !/node_modules|^site[\\/]/.test(path))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
  ),
);
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(textOf('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

interface Fence {
  readonly language: string;
  readonly code: string;
}

function fencesOf(page: string): readonly Fence[] {
  return [...textOf(page).matchAll(/^ *```(\S*)\n(.*?)^ *```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
}

/** The commands of a fence, one for each side of a pipe, as their words. */
function commandsOf(code: string): readonly (readonly string[])[] {
  return code
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .flatMap((line) => line.split(/\s*(?:\||&&)\s*/))
    .filter((command) => command !== '')
    .map((command) => command.split(/\s+/));
}

/** Why a command cannot be what a reader should type; null if it can. */
function faultOf([program = '', ...args]: readonly string[]): string | null {
  if (program === 'npx') return faultOf(args);
  if (program === 'keelson') return faultOfKeelson(args);
  if (program === 'node') return existsSync(join(root, sourceOf(args[0] ?? ''))) ? null : 'no such program';
  if (program === 'npm') return null; // every script that a page names is looked up below
  return OF_OTHERS.has(program.replace(/=.*/, '=')) ? null : 'neither run nor excused';
}

function sourceOf(path: string): string {
  return path.replace(/^dist\/(.*)\.js$/, '$1.ts');
}

/** Read by the command line itself, with numbers for what stands for one. */
function faultOfKeelson(args: readonly string[]): string | null {
  if (networkCommandOf(args) !== null) return null;
  try {
    readCommandLine(args.map((arg) => (/^[TN]$/.test(arg) ? '5' : arg)));
    return null;
  } catch (error) {
    return String(error);
  }
}

describe.each(pages)('%s', (page) => {
  const fences = fencesOf(page);
  const [count, ...runners] = RUN_BY[page] ?? [0];

  test('has no TypeScript but what a test runs', () => {
    expect(fences.filter(({ language }) => /^[tj]s$/.test(language))).toHaveLength(count);
    for (const runner of runners)
      expect(textOf(runner).includes(page.replace('docs/', '')), runner).toBe(true);
  });

  test('shows a shell only commands that there are', () => {
    const wrong = fences
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code }) => commandsOf(code))
      .map((command) => ({ command: command.join(' '), fault: faultOf(command) }))
      .filter(({ fault }) => fault !== null);
    expect(wrong).toEqual([]);
    const named = [...textOf(page).matchAll(/\bnpm run ([\w:-]*\w)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  test('has fences of known languages alone', () => {
    const unknown = fences.filter(({ language }) => !/^(ts|js|sh)$/.test(language) && !SHOWN.has(language));
    expect(unknown).toEqual([]);
  });
});
