/**
 * At stake: one import upwards, or one look at the real clock, and the simulator no longer runs the code that
 * production runs. Tried by planting a violation of each kind and seeing the lint rules catch it, and nothing else.
 */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const CONFIG = 'layers.config.mjs';
const { ROOMS } = (await import(pathToFileURL(join(root, CONFIG)).href)) as {
  readonly ROOMS: Readonly<Record<string, readonly string[]>>;
};

const IMPORTS = ['layers(imports)'];
const AT_RUN_TIME = 'layers(no-import-at-run-time)';
const SPREAD = 'layers(no-spread-of-many)';
/** It has a rule of its own, by its name. */
const ONE_FILE = 'sim/plan/smallest-plan.ts';
const rooms = Object.keys(ROOMS);
const pairs = rooms.flatMap((from) => rooms.map((to) => ({ from, to })));

interface Planted {
  readonly path: string;
  readonly text: string;
  /** The rules that it breaks. */
  readonly rules: readonly string[];
}

/** All that is planted, by what it shows; linted in one run, since a run takes longer than a thousand files. */
const planted = new Map<string, Planted[]>();
/** The rules that were broken, in the order of {@link planted}. */
let broken: ReadonlyMap<string, readonly string[]> = new Map();

function plant(what: string, path: string, text: string, rules: readonly string[]): void {
  const list = planted.get(what) ?? [];
  planted.set(what, list);
  list.push({ path, text: `${text}\n`, rules: rules.toSorted() });
}

/** Where the lint finds what was planted: under the same folders, each in a file of its own. */
function placeOf(what: string, at: number): string {
  const path = planted.get(what)?.[at]?.path ?? '';
  if (path === ONE_FILE) return path;
  return path.replace(/\.ts$/, `-${[...planted.keys()].indexOf(what)}-${at}.ts`);
}

beforeAll(async () => {
  const tree = mkdtempSync(join(tmpdir(), 'keelson-layers-'));
  for (const file of [CONFIG, 'layers.plugin.mjs']) copyFileSync(join(root, file), join(tree, file));
  for (const [what, list] of planted) {
    for (const [at, { text }] of list.entries()) {
      const place = join(tree, placeOf(what, at));
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, text);
    }
  }
  broken = await lint(tree);
  rmSync(tree, { recursive: true });
});

/** Runs what `npm run layers` runs; the rules broken in each file. */
async function lint(tree: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  const args = [oxlint, '--config', CONFIG, '--disable-nested-config', '--format', 'json', 'src', 'sim'];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: tree,
    maxBuffer: 2 ** 26,
  }).catch(
    // It ends with 1 where something was found.
    (error: unknown) => error as { readonly stdout: string },
  );
  const { diagnostics, number_of_files: count } = JSON.parse(stdout) as {
    readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
    readonly number_of_files: number;
  };
  expect(count).toBe([...planted.values()].flat().length);
  const found = new Map<string, string[]>();
  for (const { code, filename } of diagnostics) {
    const path = filename.replaceAll('\\', '/');
    found.set(path, [...(found.get(path) ?? []), code]);
  }
  return found;
}

for (const path of [
  'src/wal/a.ts',
  'src/cli/a.ts',
  'src/disk/a.ts',
  'src/a.ts',
  'sim/disk/a.ts',
  'sim/cli/a.ts',
]) {
  const what = 'lists spread into arguments are refused';
  for (const text of ['Math.max(0, ...all);', 'list.push(...all);', 'String.fromCharCode(...all);'])
    plant(what, path, text, [SPREAD]);
  for (const text of ['list.push([...all]);', 'call({ ...all });', 'told(...all);'])
    plant(what, path, text, []);
}

for (const [file, up] of [
  ['src/raft-log/a.ts', '..'],
  ['src/raft-log/state/a.ts', '../..'],
] as const) {
  const what = 'raft-log enters wal by its one door, beside the words of its reports';
  for (const door of ['inside.js', 'report/damage.js']) plant(what, file, `import '${up}/wal/${door}';`, []);
  for (const other of ['index.js', 'segmented-log.js', 'write/group-writer.js'])
    plant(what, file, `import '${up}/wal/${other}';`, IMPORTS);
}

for (const { from, to } of pairs) {
  const what = 'imports between rooms point downwards';
  const rules = from === to || (ROOMS[from] ?? []).includes(to) ? [] : IMPORTS;
  // What it names there stands above.
  if (from === 'raft-log' && to === 'wal') continue;
  plant(what, `src/${from}/a.ts`, `import { x } from '../${to}/index.js';\nx();`, rules);
  plant(what, `src/${from}/a.ts`, `export type { X } from '../${to}/x.js';`, rules);
  plant(what, `src/${from}/a.ts`, `export * from '../${to}/x.js';`, rules);
  plant(what, `src/${from}/a.ts`, `export type Y = import('../${to}/x.js').X;`, rules);
  plant(what, `src/${from}/b/a.ts`, `import '../../${to}/index.js';`, rules);
}

for (const room of rooms) {
  const what = 'a room knows neither its users nor the entry point';
  for (const user of ['sim/index.js', 'test/x.js', 'bench/x.js', 'examples/x.js', 'lab/x.js'])
    plant(what, `src/${room}/a.ts`, `import '../../${user}';`, IMPORTS);
  plant(what, `src/${room}/a.ts`, `import '../index.js';`, IMPORTS);
  plant(what, `src/${room}/a.ts`, `import './index.js';`, []);
}

{
  const what = 'keelson itself loads no conformance suite, no gRPC, no command line';
  for (const room of ['testing', 'grpc', 'cli'])
    plant(what, 'src/index.ts', `export * from './${room}/index.js';`, IMPORTS);
  plant(what, 'src/index.ts', `export * from './raft-log/index.js';`, []);
}

{
  const what = 'the simulator may import anything of src, and nothing of its users';
  for (const room of rooms) plant(what, 'sim/disk/a.ts', `import '../../src/${room}/index.js';`, []);
  plant(what, 'sim/disk/a.ts', `import '../../test/x.js';`, IMPORTS);
}

const GLOBALS = 'eslint(no-restricted-globals)';
const PROPERTIES = 'eslint(no-restricted-properties)';
/** One line for each way around the Environment, and the rule that stops it. */
const ESCAPES: readonly (readonly [code: string, rule: string])[] = [
  [`import 'node:fs';`, 'layers(imports)'],
  [`import 'node:fs/promises';`, 'layers(imports)'],
  [`import 'fs';`, 'layers(imports)'],
  [`import 'node:crypto';`, 'layers(imports)'],
  [`import 'node:worker_threads';`, 'layers(imports)'],
  [`import 'node:timers';`, 'layers(imports)'],
  [`import 'node:perf_hooks';`, 'layers(imports)'],
  [`import 'node:module';`, 'layers(imports)'],
  [`import 'left-pad';`, 'layers(imports)'],
  [`import '@grpc/grpc-js';`, 'layers(imports)'],
  [`void import('node:' + 'fs');`, AT_RUN_TIME],
  [`Date.now();`, GLOBALS],
  [`new Date();`, GLOBALS],
  [`performance.now();`, GLOBALS],
  [`setTimeout(() => 1, 1);`, GLOBALS],
  [`setInterval(() => 1, 1);`, GLOBALS],
  [`setImmediate(() => 1);`, GLOBALS],
  [`process.nextTick(() => 1);`, GLOBALS],
  [`crypto.randomUUID();`, GLOBALS],
  [`globalThis.setTimeout(() => 1, 1);`, GLOBALS],
  [`Math.random();`, PROPERTIES],
  [`AbortSignal.timeout(5);`, PROPERTIES],
];

for (const [code, rule] of ESCAPES) {
  const what = 'the world outside is out of reach in every room that has an Environment';
  for (const room of rooms.filter((name) => !['disk', 'grpc', 'cli', 'page'].includes(name))) {
    plant(what, `src/${room}/a.ts`, code, [rule]);
    plant(what, `src/${room}/deep/a.ts`, `// eslint-disable-next-line\n${code}`, [rule]);
  }
  plant(what, 'src/index.ts', code, [rule]);
  if (/left-pad|grpc|'fs'/.test(code)) continue;
  plant('and in the simulator', 'sim/disk/a.ts', code, [rule]);
}

{
  const what = 'the named places may touch it';
  const disk = `import 'node:fs';\nimport 'node:crypto';\nimport 'fs-native-extensions';\nperformance.now();\nsetTimeout(() => 1, 1);`;
  plant(what, 'src/disk/a.ts', disk, []);
  plant(what, 'src/cli/a.ts', `import 'node:fs';\nDate.now();\nvoid import('../grpc/index.js');`, []);
  plant(what, 'src/grpc/a.ts', `import '@grpc/grpc-js';\nDate.now();`, []);
  plant(what, 'sim/cli/a.ts', `import 'node:fs';\nDate.now();`, []);
  plant(what, 'sim/world/a.ts', `process.nextTick(() => 1);\nsetImmediate(() => 1);`, []);
  plant(what, 'sim/world/a.ts', `Date.now();\nimport 'node:fs';`, [GLOBALS, ...IMPORTS]);
  plant(what, ONE_FILE, `void import('fast-check');`, []);
  plant(what, 'sim/plan/a.ts', `void import('fast-check');`, [AT_RUN_TIME]);
}

for (const [name, owners] of Object.entries({
  'crc-32': ['format'],
  'node:zlib': ['format', 'disk', 'grpc', 'cli', 'page'],
  'fs-native-extensions': ['disk'],
  eventemitter3: ['wal', 'raft-log'],
  'fast-check': ['testing'],
})) {
  for (const room of rooms)
    plant(
      'each package has its one room',
      `src/${room}/a.ts`,
      `import '${name}';`,
      owners.includes(room) ? [] : IMPORTS,
    );
}

for (const room of rooms)
  plant(
    'modules that only compute are free to all',
    `src/${room}/a.ts`,
    `import 'node:path';\nimport 'node:util';`,
    [],
  );

test.each([...planted])('%s', (what, list) => {
  expect(list.map((one, at) => ({ ...one, rules: broken.get(placeOf(what, at))?.toSorted() ?? [] }))).toEqual(
    list,
  );
});

test('no comment lifts a rule where the simulator leans on them, of these or the others', () => {
  const lifts = ['src', 'sim'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => {
        // What is generated is under the rules of the layers alone, which ask for no comment of eslint's.
        const lift = /[\\/]generated[\\/]/.test(name) ? /\boxlint-/ : /\b(oxlint|eslint)-/;
        return lift.test(readFileSync(join(root, top, name), 'utf8'));
      }),
  );
  expect(lifts).toEqual([]);
});

test('the door into wal names few things, none of them by a star', () => {
  const door = readFileSync(join(root, 'src/wal/inside.ts'), 'utf8');
  const names = [...door.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list.split(','),
  );
  expect(names.length).toBeLessThanOrEqual(18);
  expect(door).not.toContain('export *');
});

test('no room is above another that is above it', () => {
  const above = (room: string): readonly string[] => ROOMS[room] ?? [];
  for (const { from, to } of pairs) {
    expect(above(from).includes(to) && above(to).includes(from), `${from} and ${to}`).toBe(false);
  }
  for (const below of above('wal')) expect(below).not.toBe('snapshot');
  for (const below of above('format')) expect(below).not.toBe('disk');
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
