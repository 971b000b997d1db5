import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What a process has once: threads, sockets, descriptors, locks, memory, its folder, what is written into each promise. Who
 * counts or changes these must be alone with them. Who only starts others need not be: what they do is in processes of their own.
 */
const OF_THE_PROCESS =
  /(from |import\()'(node:(cluster|net|http|worker_threads|v8)|@grpc\/|playwright-core)|\/proc\/|process\.(chdir|memoryUsage|on|once|umask)\b|getOwnPropertySymbols\(Promise/;

/** Files of tests, by whether they may run in a process where others have run, whose compiled code is still there. */
export function testFiles(root: string): { readonly together: string[]; readonly apart: string[] } {
  const known = new Map<string, boolean>();
  const isApart = (path: string): boolean => {
    const told = known.get(path);
    if (told !== undefined) return told;
    known.set(path, false);
    const text = readFileSync(path, 'utf8');
    const isIt = OF_THE_PROCESS.test(text) || importsOf(path, text).some(isApart);
    known.set(path, isIt);
    return isIt;
  };
  const all = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(root, 'test', name));
  return { together: all.filter((path) => !isApart(path)), apart: all.filter(isApart) };
}

/** What else of the tests a file imports. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(/ from '(\.[^']*)\.js'/g)]
    .map(([, name = '']) => join(dirname(path), `${name}.ts`))
    .filter((other) => /[\\/]test[\\/]/.test(other) && existsSync(other));
}
