/**
 * At stake: one import upwards, or one look at the real clock, and the simulator no longer runs the code that
 * production runs. Tried by planting a violation of each kind and seeing the lint rules catch it, and nothing else.
 */
import { ESLint } from 'eslint';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOMS } from '../../layers.config.js';

const root = join(import.meta.dirname, '../..');
const eslint = new ESLint({ cwd: root, overrideConfigFile: join(root, 'layers.config.ts') });

/** The rules that a file of this text, at this place, breaks. */
async function broken(path: string, text: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(text, { filePath: join(root, path) });
  if (result === undefined) throw new Error(`${path} was not linted at all`);
  // A directive that has no effect is a warning (1); only errors (2) stop the check.
  return result.messages.filter((message) => message.severity === 2).map((message) => message.ruleId);
}

const IMPORTS = ['no-restricted-imports'];
const pairs = Object.keys(ROOMS).flatMap((from) => Object.keys(ROOMS).map((to) => ({ from, to })));

test.each(['src/wal/a.ts', 'src/index.ts', 'src/cli/a.ts', 'sim/disk/a.ts', 'sim/cli/a.ts'])(
  'no comment lifts a rule in %s, of this lint or the other',
  async (path) => {
    for (const lint of ['eslint', 'oxlint'])
      expect(await broken(path, `// ${lint}-disable-next-line\nlist.push(...all);\n`)).toEqual([
        'no-warning-comments',
        'no-restricted-syntax',
      ]);
  },
);

describe('lists spread into arguments', () => {
  const places = [
    'src/wal/a.ts',
    'src/cli/a.ts',
    'src/disk/a.ts',
    'src/a.ts',
    'sim/disk/a.ts',
    'sim/cli/a.ts',
  ];

  test.each(places)('are refused in %s', async (path) => {
    for (const text of ['Math.max(0, ...all);', 'list.push(...all);', 'String.fromCharCode(...all);'])
      expect(await broken(path, `${text}\n`)).toEqual(['no-restricted-syntax']);
    for (const text of ['list.push([...all]);', 'call({ ...all });', 'told(...all);'])
      expect(await broken(path, `${text}\n`)).toEqual([]);
  });
});

describe('imports between rooms', () => {
  test('raft-log enters wal by its one door, beside the words of its reports', async () => {
    for (const [file, up] of [
      ['src/raft-log/a.ts', '..'],
      ['src/raft-log/state/a.ts', '../..'],
    ] as const) {
      for (const door of ['inside.js', 'report/damage.js'])
        expect(await broken(file, `import '${up}/wal/${door}';\n`)).toEqual([]);
      for (const other of ['index.js', 'segmented-log.js', 'write/group-writer.js'])
        expect(await broken(file, `import '${up}/wal/${other}';\n`)).toEqual(IMPORTS);
    }
  });

  test('the door names few things, none of them by a star', () => {
    const door = readFileSync(join(root, 'src/wal/inside.ts'), 'utf8');
    const names = [...door.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
      list.split(','),
    );
    expect(names.length).toBeLessThanOrEqual(18);
    expect(door).not.toContain('export *');
  });

  test.each(pairs)('from $from to $to', async ({ from, to }) => {
    const isAllowed = from === to || (ROOMS[from] ?? []).includes(to);
    // What it names there stands in the test above.
    if (from === 'raft-log' && to === 'wal') return;
    const expected = isAllowed ? [] : IMPORTS;
    expect(await broken(`src/${from}/a.ts`, `import { x } from '../${to}/index.js';\nx();\n`)).toEqual(
      expected,
    );
    expect(await broken(`src/${from}/a.ts`, `export type { X } from '../${to}/x.js';\n`)).toEqual(expected);
    expect(await broken(`src/${from}/b/a.ts`, `import '../../${to}/index.js';\n`)).toEqual(expected);
  });

  test('point downwards only: no room is above another that is above it', () => {
    const above = (room: string): readonly string[] => ROOMS[room] ?? [];
    for (const { from, to } of pairs) {
      expect(above(from).includes(to) && above(to).includes(from), `${from} and ${to}`).toBe(false);
    }
    for (const below of above('wal')) expect(below).not.toBe('snapshot');
    for (const below of above('format')) expect(below).not.toBe('disk');
  });

  test.each(Object.keys(ROOMS))('src/%s knows neither its users nor the entry point', async (room) => {
    for (const user of ['sim/index.js', 'test/x.js', 'bench/x.js', 'examples/x.js', 'lab/x.js']) {
      expect(await broken(`src/${room}/a.ts`, `import '../../${user}';\n`)).toEqual(IMPORTS);
    }
    expect(await broken(`src/${room}/a.ts`, `import '../index.js';\n`)).toEqual(IMPORTS);
    expect(await broken(`src/${room}/a.ts`, `import './index.js';\n`)).toEqual([]);
  });

  test('keelson itself loads no conformance suite, no gRPC, no command line', async () => {
    for (const room of ['testing', 'grpc', 'cli']) {
      expect(await broken('src/index.ts', `export * from './${room}/index.js';\n`)).toEqual(IMPORTS);
    }
    expect(await broken('src/index.ts', `export * from './raft-log/index.js';\n`)).toEqual([]);
  });

  test('the simulator may import anything of src, and nothing of its users', async () => {
    for (const room of Object.keys(ROOMS)) {
      expect(await broken('sim/disk/a.ts', `import '../../src/${room}/index.js';\n`)).toEqual([]);
    }
    expect(await broken('sim/disk/a.ts', `import '../../test/x.js';\n`)).toEqual(IMPORTS);
  });
});

/** One line for each way around the Environment, and the rule that stops it. */
const ESCAPES: readonly (readonly [code: string, rule: string])[] = [
  [`import 'node:fs';`, 'no-restricted-imports'],
  [`import 'node:fs/promises';`, 'no-restricted-imports'],
  [`import 'fs';`, 'no-restricted-imports'],
  [`import 'node:crypto';`, 'no-restricted-imports'],
  [`import 'node:worker_threads';`, 'no-restricted-imports'],
  [`import 'node:timers';`, 'no-restricted-imports'],
  [`import 'node:perf_hooks';`, 'no-restricted-imports'],
  [`import 'node:module';`, 'no-restricted-imports'],
  [`import 'left-pad';`, 'no-restricted-imports'],
  [`import '@grpc/grpc-js';`, 'no-restricted-imports'],
  [`void import('node:' + 'fs');`, 'no-restricted-syntax'],
  [`Date.now();`, 'no-restricted-globals'],
  [`new Date();`, 'no-restricted-globals'],
  [`performance.now();`, 'no-restricted-globals'],
  [`setTimeout(() => 1, 1);`, 'no-restricted-globals'],
  [`setInterval(() => 1, 1);`, 'no-restricted-globals'],
  [`setImmediate(() => 1);`, 'no-restricted-globals'],
  [`process.nextTick(() => 1);`, 'no-restricted-globals'],
  [`crypto.randomUUID();`, 'no-restricted-globals'],
  [`globalThis.setTimeout(() => 1, 1);`, 'no-restricted-globals'],
  [`Math.random();`, 'no-restricted-properties'],
  [`AbortSignal.timeout(5);`, 'no-restricted-properties'],
];

describe('the world outside', () => {
  const closedRooms = Object.keys(ROOMS).filter((room) => !['disk', 'grpc', 'cli', 'page'].includes(room));

  test.each(ESCAPES)('%s is caught in every room that has an Environment', async (code, rule) => {
    for (const room of closedRooms) {
      expect(await broken(`src/${room}/a.ts`, `${code}\n`), room).toEqual([rule]);
      expect(await broken(`src/${room}/deep/a.ts`, `// eslint-disable-next-line\n${code}\n`), room).toEqual([
        'no-warning-comments',
        rule,
      ]);
    }
    expect(await broken('src/index.ts', `${code}\n`)).toEqual([rule]);
  });

  test.each(ESCAPES.filter(([code]) => !/left-pad|grpc|'fs'/.test(code)))(
    '%s is caught in the simulator',
    async (code, rule) => {
      expect(await broken('sim/disk/a.ts', `${code}\n`)).toEqual([rule]);
    },
  );

  test('the named places may touch it', async () => {
    const disk = `import 'node:fs';\nimport 'node:crypto';\nimport 'fs-native-extensions';\nperformance.now();\nsetTimeout(() => 1, 1);\n`;
    expect(await broken('src/disk/a.ts', disk)).toEqual([]);
    expect(
      await broken('src/cli/a.ts', `import 'node:fs';\nDate.now();\nvoid import('../grpc/index.js');\n`),
    ).toEqual([]);
    expect(await broken('src/grpc/a.ts', `import '@grpc/grpc-js';\nDate.now();\n`)).toEqual([]);
    expect(await broken('sim/cli/a.ts', `import 'node:fs';\nDate.now();\n`)).toEqual([]);
    expect(await broken('sim/world/a.ts', `process.nextTick(() => 1);\nsetImmediate(() => 1);\n`)).toEqual(
      [],
    );
    expect(await broken('sim/world/a.ts', `Date.now();\nimport 'node:fs';\n`)).toHaveLength(2);
  });

  test('each package has its one room', async () => {
    const owners: Readonly<Record<string, readonly string[]>> = {
      'crc-32': ['format'],
      'node:zlib': ['format', 'disk', 'grpc', 'cli', 'page'],
      'fs-native-extensions': ['disk'],
      eventemitter3: ['wal', 'raft-log'],
      'fast-check': ['testing'],
    };
    for (const [name, rooms] of Object.entries(owners)) {
      for (const room of Object.keys(ROOMS)) {
        const expected = rooms.includes(room) ? [] : IMPORTS;
        expect(await broken(`src/${room}/a.ts`, `import '${name}';\n`), `${name} in ${room}`).toEqual(
          expected,
        );
      }
    }
  });

  test('modules that only compute are free to all', async () => {
    for (const room of Object.keys(ROOMS)) {
      expect(await broken(`src/${room}/a.ts`, `import 'node:path';\nimport 'node:util';\n`)).toEqual([]);
    }
  });
});

describe('the rooms', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

  test('are the folders of src, each with its rules', () => {
    for (const folder of folders) expect(Object.keys(ROOMS)).toContain(folder);
  });

  test('share no name with a folder inside one, which the rules would take for the room', () => {
    for (const room of folders) {
      const inside = readdirSync(join(root, 'src', room), { withFileTypes: true, recursive: true });
      const names = inside.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
      expect(names.filter((name) => name in ROOMS)).toEqual([]);
    }
  });

  const design = join(root, 'docs/design.md');
  const picture = existsSync(design)
    ? /^```rooms\n(.*?)^```/ms.exec(readFileSync(design, 'utf8'))?.[1]
    : undefined;

  test.skipIf(picture === undefined)('are those of the picture in docs/design.md, and no others', () => {
    // Rooms stand in the picture as whole words; a word that is neither a room nor said of one does not matter.
    const words = new Set((picture ?? '').match(/[a-z]+(-[a-z]+)*/g));
    expect(folders.filter((folder) => !words.has(folder))).toEqual([]);
    expect(Object.keys(ROOMS).filter((room) => !words.has(room))).toEqual([]);
  });
});
