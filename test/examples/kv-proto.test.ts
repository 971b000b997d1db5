/**
 * At stake: code that was generated from another file than the one beside it, or mended by hand, speaks another
 * language than it says. Tried by linting the .proto files and generating the code anew.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from './scratch-directory.js';

const root = join(import.meta.dirname, '../..');
const PLACE = 'examples/kv/generated';

function buf(...args: readonly string[]): string {
  const program = join(root, 'node_modules/@bufbuild/buf/bin/buf');
  return execFileSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8' });
}

function filesIn(directory: string): Record<string, string> {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = found.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(directory.length), readFileSync(path, 'utf8')]));
}

test('the .proto files keep to the rules', () => {
  expect(buf('lint', 'examples/kv')).toBe('');
});

test('the generated code is what the .proto files say', () => {
  const scratch = scratchDirectory();
  buf('generate', '--template', 'examples/kv/buf.gen.yaml', '--output', scratch);
  const anew = filesIn(join(scratch, PLACE));
  expect(Object.keys(anew).length).toBeGreaterThan(2);
  expect(filesIn(join(root, PLACE))).toEqual(anew);
});
