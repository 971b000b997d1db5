// At stake: rooms that cannot be read one by one. The imports of all sources, types included, are followed: none may
// lead back to where it began.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

const files = ['src', 'sim'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(top, name)),
);

/** The sources that each file imports. */
const imports: ReadonlyMap<string, readonly string[]> = new Map(
  files.map((file) => [file, importsOf(file, readFileSync(join(ROOT, file), 'utf8'))]),
);

function importsOf(file: string, text: string): string[] {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => join(dirname(file), name).replace(/\.js$/, '.ts'));
}

/** A way of imports from a file back to itself; null if there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  const way: string[] = [];
  const follow = (file: string): readonly string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return null;
    way.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = follow(next);
      if (circle !== null) return circle;
    }
    way.pop();
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const circle = follow(file);
    if (circle !== null) return circle;
  }
  return null;
}

test('a circle is seen where there is one', () => {
  const graph = new Map([
    ['a', importsOf('a', `import type { B } from './b.js';`)],
    ['b.ts', ['c.ts']],
    ['c.ts', ['b.ts']],
  ]);
  expect(circleIn(graph)).toEqual(['b.ts', 'c.ts', 'b.ts']);
});

test('no imports of src and sim go in a circle, types included', () => {
  expect(files.length).toBeGreaterThan(200);
  expect(circleIn(imports)).toBeNull();
});
