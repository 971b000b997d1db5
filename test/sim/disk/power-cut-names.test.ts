// At stake: a name that was synced must outlive every power cut, one that was not may come or go, and a
// rename may never take an inode's last name.
// Tried: drawn creates, renames, links, unlinks and directory syncs over two directories, against a model of
// what each name may stand for.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../../sim/index.js';

const DIRECTORIES = ['/x', '/y'] as const;
const PATHS = DIRECTORIES.flatMap((directory) => ['a', 'b'].map((name) => `${directory}/${name}`));

type Step =
  | { readonly kind: 'create' | 'unlink'; readonly path: string }
  | { readonly kind: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'sync'; readonly directory: (typeof DIRECTORIES)[number] }
  | { readonly kind: 'power' | 'kill' };

const path = fc.constantFrom(...PATHS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), path }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rename' as const), path, to: path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unlink' as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('link' as const), path, to: path }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('sync' as const), directory: fc.constantFrom(...DIRECTORIES) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'power' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
);

/** A sync of the old directory makes a whole chain durable: each name of it must end as its last change left it. */
const THERE_AND_BACK: Step[] = [
  { kind: 'create', path: '/y/a' },
  { kind: 'rename', path: '/y/a', to: '/y/b' },
  { kind: 'create', path: '/x/a' },
  { kind: 'rename', path: '/y/b', to: '/y/a' },
  { kind: 'rename', path: '/x/a', to: '/y/b' },
  { kind: 'sync', directory: '/x' },
  { kind: 'sync', directory: '/y' },
];

/** What each path stands for (0: nothing): now, and all that it stood for since its directory was synced. */
class NameModel {
  readonly now = new Map<string, number>(PATHS.map((name) => [name, 0]));
  readonly since = new Map<string, Set<number>>(PATHS.map((name) => [name, new Set([0])]));
  /** Inodes that had a durable name and have only been renamed since: they may not be lost. */
  held = new Set<number>();

  put(name: string, id: number): void {
    const before = this.now.get(name) ?? 0;
    this.now.set(name, id);
    this.since.get(name)?.add(id);
    if (before !== 0 && before !== id) this.held.delete(before);
  }

  rename(from: string, to: string): void {
    const id = this.now.get(from) ?? 0;
    const kept = this.held.has(id);
    this.put(to, id);
    this.put(from, 0);
    if (kept) this.held.add(id);
  }

  sync(directory: string): void {
    for (const name of PATHS) {
      const id = this.now.get(name) ?? 0;
      if (name.startsWith(directory)) this.since.set(name, new Set([id]));
    }
    this.held = new Set([...this.held, ...this.idsIn(directory)]);
  }

  settle(left: ReadonlyMap<string, number>): void {
    for (const name of PATHS) {
      const id = left.get(name) ?? 0;
      this.now.set(name, id);
      this.since.set(name, new Set([id]));
    }
    this.held = new Set([...left.values()].filter((id) => id !== 0));
  }

  private idsIn(directory: string): number[] {
    return PATHS.filter((name) => name.startsWith(directory)).flatMap((name) => this.now.get(name) || []);
  }
}

function idsOf(disk: SimulatedDisk, of: 'volatile' | 'durable' = 'volatile'): Map<string, number> {
  const read = (name: string): Uint8Array | null =>
    of === 'volatile' ? disk.readVolatile(name) : disk.readDurable(name);
  return new Map(PATHS.map((name) => [name, read(name)?.[0] ?? 0]));
}

async function check(seed: number, steps: readonly Step[]): Promise<void> {
  const disk = createSimulatedDisk({ seed, directories: DIRECTORIES });
  const model = new NameModel();
  let created = 0;
  for (const { kind, ...of } of steps) {
    const step = { kind, ...of } as Step;
    if (step.kind === 'create') {
      if (model.now.get(step.path) !== 0) continue;
      const file = await disk.disk.open(step.path, { access: 'write', create: 'exclusive', dataSync: true });
      created += 1;
      await file.write(Uint8Array.of(created), 0);
      await file.close();
      model.put(step.path, created);
    } else if (step.kind === 'unlink') {
      if (model.now.get(step.path) === 0) continue;
      await disk.disk.unlink(step.path);
      model.put(step.path, 0);
    } else if (step.kind === 'rename') {
      if (model.now.get(step.path) === 0 || model.now.get(step.path) === model.now.get(step.to)) continue;
      await disk.disk.rename(step.path, step.to);
      model.rename(step.path, step.to);
    } else if (step.kind === 'link') {
      if (model.now.get(step.path) === 0 || model.now.get(step.to) !== 0) continue;
      await disk.disk.link(step.path, step.to);
      model.put(step.to, model.now.get(step.path) ?? 0);
    } else if (step.kind === 'sync') {
      await disk.disk.syncDirectory(step.directory);
      model.sync(step.directory);
      for (const name of PATHS.filter((one) => one.startsWith(step.directory))) {
        expect([name, disk.readDurable(name)?.[0] ?? 0]).toEqual([name, model.now.get(name)]);
      }
    } else {
      disk.crash(step.kind);
      const left = idsOf(disk);
      if (step.kind === 'kill') expect(left).toEqual(model.now);
      else {
        for (const [name, id] of left) expect([name, ...(model.since.get(name) ?? [])]).toContain(id);
        for (const id of model.held) expect([...left.values()]).toContain(id);
        expect(idsOf(disk, 'durable')).toEqual(left);
        model.settle(left);
      }
    }
    expect(idsOf(disk)).toEqual(model.now);
  }
}

test('each name stands for something that it stood for since its directory was synced', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 4, maxLength: 40 }), check), {
    numRuns: 1500,
    examples: [[0, THERE_AND_BACK]],
  });
});

describe('a rename', () => {
  const leftBy = (seed: number, sync: readonly string[]): Promise<readonly string[]> =>
    afterRename(seed, '/x/a', '/y/b', sync);

  test('leaves the old name, the new one, or one time in ten both; never neither', async () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++) {
      const left = (await afterRename(seed, '/x/a', '/x/b', [])).join();
      counts.set(left, (counts.get(left) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['/x/a', '/x/a,/x/b', '/x/b']);
    expect(counts.get('/x/a,/x/b')).toBeLessThan(60);
  });

  test('between directories: a sync of the new one makes the new name durable, of the old one both ends', async () => {
    const newOnly = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      newOnly.add((await leftBy(seed, ['/y'])).join());
      expect(await leftBy(seed, ['/x'])).toEqual(['/y/b']);
    }
    expect([...newOnly].sort()).toEqual(['/x/a,/y/b', '/y/b']);
  });
});

async function afterRename(
  seed: number,
  from: string,
  to: string,
  sync: readonly string[],
): Promise<readonly string[]> {
  const disk = createSimulatedDisk({
    seed,
    profile: { metadata: 'strict', images: 'mixed' },
    directories: DIRECTORIES,
  });
  disk.writeFile(from, Uint8Array.of(1));
  await disk.disk.rename(from, to);
  for (const directory of sync) await disk.disk.syncDirectory(directory);
  disk.crash('power');
  return disk.list();
}

describe('a rename between directories, where only the old one is synced', () => {
  test('replaces a name that was not durable yet, for good', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = createSimulatedDisk({ seed, profile: { metadata: 'strict' }, directories: DIRECTORIES });
      disk.writeFile('/x/a', Uint8Array.of(1));
      await disk.disk.open('/y/b', { access: 'write', create: 'exclusive' });
      await disk.disk.rename('/x/a', '/y/b');
      await disk.disk.syncDirectory('/x');
      await disk.disk.syncDirectory('/y');
      disk.crash('power');
      expect(disk.readVolatile('/y/b')).toEqual(Uint8Array.of(1));
    }
  });

  test('is not undone by an older rename to the same name that was never synced', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = createSimulatedDisk({
        seed,
        profile: { metadata: 'strict', images: 'mixed' },
        directories: [...DIRECTORIES, '/z'],
      });
      disk.writeFile('/x/a', Uint8Array.of(1));
      disk.writeFile('/z/q', Uint8Array.of(2));
      await disk.disk.rename('/x/a', '/y/b');
      await disk.disk.rename('/z/q', '/y/b');
      await disk.disk.syncDirectory('/z');
      disk.crash('power');
      expect(disk.readVolatile('/y/b')).toEqual(Uint8Array.of(2));
    }
  });

  test('makes the new name durable of what had its own new name before', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = createSimulatedDisk({
        seed,
        profile: { metadata: 'strict' },
        directories: [...DIRECTORIES, '/z'],
      });
      disk.writeFile('/x/a', Uint8Array.of(1));
      disk.writeFile('/y/b', Uint8Array.of(2));
      await disk.disk.rename('/y/b', '/z/c');
      await disk.disk.rename('/x/a', '/y/b');
      await disk.disk.syncDirectory('/x');
      disk.crash('power');
      expect([disk.readDurable('/y/b')?.[0], disk.readDurable('/z/c')?.[0]]).toEqual([1, 2]);
    }
  });
});

describe('an unlink', () => {
  test('may be undone, and may land although an earlier one does not', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const disk = createSimulatedDisk({
        seed,
        profile: { metadata: 'strict', images: 'mixed' },
        directories: DIRECTORIES,
      });
      for (const name of ['/x/a', '/x/b']) disk.writeFile(name, Uint8Array.of(1));
      for (const name of ['/x/a', '/x/b']) await disk.disk.unlink(name);
      disk.crash('power');
      seen.add(disk.list().join());
    }
    expect([...seen].sort()).toEqual(['', '/x/a', '/x/a,/x/b', '/x/b']);
  });

  test('lets a journal lose only a last part of the changes', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const disk = createSimulatedDisk({
        seed,
        profile: { metadata: 'journal' },
        directories: DIRECTORIES,
      });
      for (const name of ['/x/a', '/x/b']) disk.writeFile(name, Uint8Array.of(1));
      for (const name of ['/x/a', '/x/b']) await disk.disk.unlink(name);
      disk.crash('power');
      expect(['', '/x/a,/x/b', '/x/b']).toContain(disk.list().join());
    }
  });

  test('keeps the file for those that hold it open, and its room until they close it', async () => {
    const disk = createSimulatedDisk({ seed: 1, directories: DIRECTORIES });
    const file = await disk.disk.open('/x/a', { access: 'write', create: 'exclusive' });
    const { freeBytes } = await disk.disk.statfs('/x');
    await file.write(new Uint8Array(8192).fill(3), 0);
    await disk.disk.unlink('/x/a');
    const into = new Uint8Array(4);
    expect(await file.read(into, 0)).toBe(4);
    expect(into).toEqual(new Uint8Array(4).fill(3));
    expect((await disk.disk.statfs('/x')).freeBytes).toBe(freeBytes - 8192);
    await file.close();
    expect((await disk.disk.statfs('/x')).freeBytes).toBe(freeBytes);
  });
});

test('a directory whose own name was not synced takes its files with it', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const disk = createSimulatedDisk({ seed, profile: { metadata: 'strict' }, directories: ['/x'] });
    await disk.disk.mkdir('/x/inner');
    const file = await disk.disk.open('/x/inner/a', { access: 'write', create: 'exclusive' });
    await file.sync();
    await disk.disk.syncDirectory('/x/inner');
    disk.crash('power');
    outcomes.add(disk.list().join());
  }
  expect([...outcomes].sort()).toEqual(['', '/x/inner/a']);
});
