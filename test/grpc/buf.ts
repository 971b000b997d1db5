import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Runs buf on this repository; what it says, or an error with it. */
export function buf(...args: readonly string[]): string {
  const program = join(root, 'node_modules/@bufbuild/buf/bin/buf');
  return execFileSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8' });
}

/** The text of each file below a directory, by its path in it. */
export function filesIn(directory: string): Record<string, string> {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = found.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(directory.length), readFileSync(path, 'utf8')]));
}
