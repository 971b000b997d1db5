/**
 * At stake: what users install is the packed file, not this tree: a file left out of it, or an import that only
 * works here, breaks them all. Tried by packing, unpacking and importing every entry point elsewhere.
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const entries = Object.entries(manifest.exports).filter(([name]) => name !== './package.json');

let home: string;
let tarball: string;
let packedFiles: readonly string[];

beforeAll(() => {
  if (!existsSync(join(root, 'dist/src/index.js'))) {
    throw new Error('dist/ is not there: this test packs what was built. Run: npm run build');
  }
  home = mkdtempSync(join(tmpdir(), 'keelson-packed-'));
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', home], {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as unknown;
  // npm 11 and older answer with a list, newer ones with an object by package name.
  const [report] = Object.values(packed as Record<string, { filename: string; files: { path: string }[] }>);
  if (report === undefined) throw new Error('npm pack reported nothing');
  packedFiles = report.files.map((file) => file.path);
  tarball = join(home, report.filename);
  install('whole', [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
  const withoutAddon = Object.keys(manifest.dependencies).filter((name) => name !== 'fs-native-extensions');
  install('without-addon', withoutAddon);
});

afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** A project at `home/name` that has the packed keelson, and of its dependencies only those named. */
function install(name: string, dependencies: readonly string[]): void {
  const modules = join(home, name, 'node_modules');
  mkdirSync(modules, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  cpSync(join(modules, 'package'), join(modules, 'keelson'), { recursive: true });
  rmSync(join(modules, 'package'), { recursive: true });
  for (const dependency of dependencies) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(root, 'node_modules', dependency), join(modules, dependency), 'junction');
  }
}

/** What a program prints that is run as a module inside an installed project. */
function run(project: string, program: string): string {
  const path = join(home, project, 'program.mjs');
  writeFileSync(path, program);
  return execFileSync(process.execPath, [path], { cwd: join(home, project), encoding: 'utf8' }).trim();
}

const known = new Map<string, readonly string[]>();

/** What an entry exports to a process that imports nothing else. */
function exportsOf(entry: string): readonly string[] {
  const names =
    known.get(entry) ?? run('whole', `console.log(Object.keys(await import('${entry}')).join())`).split(',');
  known.set(entry, names);
  return names;
}

/** The TypeScript that a page shows, none of which needs more than JavaScript to run. */
function programsOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program = '']) => program);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the packed package', () => {
  test.each(['package:publint', 'package:types'])('passes npm run %s', async (script) => {
    await promisify(execFile)('npm', ['run', '--silent', script, '--', tarball], {
      cwd: root,
      shell: process.platform === 'win32',
    });
  });

  test.each(entries)('imports as keelson%s', (name) => {
    expect(exportsOf(`keelson${name.slice(1)}`)).not.toEqual(['']);
  });

  test.skipIf(process.platform === 'win32')('imports where a process may open 64 files', () => {
    const program = `import 'keelson'; console.log('there');`;
    writeFileSync(join(home, 'whole', 'limited.mjs'), program);
    const command = `ulimit -n 64; exec "${process.execPath}" limited.mjs`;
    const printed = execFileSync('sh', ['-c', command], { cwd: join(home, 'whole'), encoding: 'utf8' });
    expect(printed).toBe('there\n');
  });

  test('is one copy of each class, by whichever of its doors one enters', () => {
    const printed = run(
      'whole',
      `import { KeelsonError } from 'keelson';
       import { openWal } from 'keelson/wal';
       import { SimulatedDisk } from 'keelson/sim';
       const error = await openWal({ dir: '' }).catch((error) => error);
       const other = await import('./node_modules/keelson/dist/src/errors/index.js');
       console.log(error instanceof KeelsonError, other.KeelsonError === KeelsonError, typeof SimulatedDisk);`,
    );
    expect(printed).toBe('true true function');
  });

  test('holds what its documents link to', () => {
    const documents = packedFiles.filter((path) => path.endsWith('.md'));
    const dead = documents.flatMap((document) =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target))
        .map((target) => posix.join(posix.dirname(document), target))
        .filter((target) => !packedFiles.includes(target))
        .map((target) => `${document} links to ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('runs what docs/simulator.md shows', () => {
    const [program = ''] = programsOf('docs/simulator.md');
    expect(run('whole', program)).toBe('1');
  });

  test('runs what docs/backups.md shows', () => {
    const [checkpoint = '', archive = ''] = programsOf('docs/backups.md');
    const printed = run(
      'whole',
      `import { openRaftLog } from 'keelson';
       const log = await openRaftLog({ dir: 'saved', segmentBytes: 65536 });
       for (let index = 1; index <= 100; index += 1)
         await log.save({ entries: [{ index, term: 1, data: Buffer.alloc(4096) }], hardState: { term: 1 } });
       ${checkpoint.replace('/backup/copy', 'copied')}
       console.log(segments.length > 1, replayAfter);
       let archivedLsn = 0;
       let stored = 0;
       async function store(name, data) {
         for await (const piece of data) stored += piece.length;
       }
       ${archive}
       console.log(archivedLsn > 50, stored > archivedLsn * 4096);
       await log.close();`,
    );
    expect(printed).toBe('true 0\ntrue true');
  });

  test('runs what docs/grpc.md shows', async () => {
    const [program = ''] = programsOf('docs/grpc.md');
    mkdirSync(join(home, 'whole', 'served'));
    const port = String(await freePort());
    const there = program.replaceAll('7500', port).replace('/var/lib/keelson', './served');
    expect(run('whole', `${there}\nconsole.log(log.status, log.hardState.vote)`)).toBe('closed node-1');
  });

  test('exports under each entry what the table in README.md says', () => {
    const rows = [
      ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^\| `(keelson[\w/]*)` +\| (.*?) *\|$/gm),
    ];
    expect(rows.map(([, entry]) => entry)).toEqual(entries.map(([name]) => `keelson${name.slice(1)}`));
    for (const [, entry = '', text = ''] of rows) {
      const said = [...text.matchAll(/`([A-Za-z]\w+)`/g)].map(([, name]) => name);
      expect(exportsOf(entry), entry).toEqual(
        expect.arrayContaining(said.filter((name) => name !== 'RaftLog')),
      );
    }
  });

  test('has what its exports name, its licence and its documents, and nothing of the tests', () => {
    for (const [, entry] of entries) {
      if (typeof entry === 'string') continue;
      for (const path of [entry.types, entry.default]) expect(packedFiles).toContain(path.slice('./'.length));
    }
    expect(packedFiles).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md']),
    );
    const strangers = packedFiles.filter(
      (path) =>
        !/^(dist\/(src|sim)\/|docs\/|src\/grpc\/(proto|conformance\/cases)\/|[A-Z]+(\.md)?$|package\.json$)/.test(
          path,
        ),
    );
    expect(strangers).toEqual([]);
  });

  test('has the command line, which needs no peer', () => {
    const program = join(home, 'whole', 'node_modules/keelson', manifest.bin['keelson'] ?? '');
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const printed = execFileSync(process.execPath, [program, '--version'], { encoding: 'utf8' });
    expect(printed.trim()).toBe(manifest.version);
  });

  test('every dependency that is a peer is optional', () => {
    for (const name of Object.keys(manifest.peerDependencies)) {
      expect(manifest.peerDependenciesMeta[name]?.optional, name).toBe(true);
    }
  });

  test('keelson/grpc without its peers says what to install, and keelson and keelson/sim load none of them', () => {
    const printed = run(
      'without-addon',
      `import 'keelson';
       import 'keelson/sim';
       import { connectRaftLog } from 'keelson/grpc';
       const error = await connectRaftLog('127.0.0.1:1', { name: 'a' }).catch((error) => error);
       console.log(error.code, error.message);`,
    );
    expect(printed).toMatch(/^KEELSON_INVALID_ARGUMENT .*npm install @grpc\/grpc-js /s);
  });

  test('keelson imports without peers and without the native addon; only locking needs that, and says so', () => {
    const printed = run(
      'without-addon',
      `import { existsSync } from 'node:fs';
       import { openRaftLog } from 'keelson';
       const error = await openRaftLog({ dir: 'log' }).catch((error) => error);
       console.log(error.code, error.message, existsSync('log'));`,
    );
    expect(printed).toMatch(/^KEELSON_LOCK_UNSUPPORTED .*fs-native-extensions.* false$/s);
  });
});
