// At stake: a store that works on the simulated disk must meet the same values and errors on a real one.
// Tried: the same drawn calls on both, value by value and code by code.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedDisk } from '../../../sim/index.js';
import { NodeDisk } from '../../../src/disk/node-disk.js';
import type { Disk, DiskFile, OpenOptions } from '../../../src/disk/port.js';
import { systemCode } from '../../../src/disk/system-error.js';

const name = fc.constantFrom('a', 'b', 'sub', 'sub/a', 'sub/b', 'missing/a', 'a/under-a-file');
const create = fc.constantFrom('never' as const, 'if-missing' as const, 'exclusive' as const);

type Call =
  | { readonly kind: 'open'; readonly name: string; readonly options: OpenOptions }
  | { readonly kind: 'write' | 'read'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly size: number }
  | { readonly kind: 'dataSync' | 'sync' | 'close' | 'fstat' | 'tryLock' }
  | { readonly kind: 'mkdir' | 'readdir' | 'stat' | 'unlink' | 'syncDirectory'; readonly name: string }
  | { readonly kind: 'rename' | 'link'; readonly name: string; readonly to: string };

const range = { at: fc.integer({ min: 0, max: 9000 }), length: fc.integer({ min: 0, max: 5000 }) };
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      name,
      options: fc.record({ access: fc.constantFrom('read' as const, 'write' as const), create }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('write' as const, 'read' as const), ...range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), size: range.at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'dataSync' as const,
        'sync' as const,
        'close' as const,
        'fstat' as const,
        'tryLock' as const,
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'mkdir' as const,
        'readdir' as const,
        'stat' as const,
        'unlink' as const,
        'syncDirectory' as const,
      ),
      name,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('rename' as const, 'link' as const), name, to: name }),
  },
);

/** Makes the call on one disk; what it returned, in a form that both disks share. */
class Side {
  file: DiskFile | null = null;
  readonly #disk: Disk;
  readonly #root: string;

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  async make(call: Call, fill: number): Promise<unknown> {
    try {
      return await this.#make(call, fill);
    } catch (error) {
      return systemCode(error) ?? error;
    }
  }

  async #make(call: Call, fill: number): Promise<unknown> {
    const path = 'name' in call ? join(this.#root, call.name) : '';
    switch (call.kind) {
      case 'open': {
        const file = await this.#disk.open(path, call.options);
        await this.file?.close();
        this.file = file;
        return 'opened';
      }
      case 'write':
        return this.file?.write(new Uint8Array(call.length).fill(fill), call.at);
      case 'read': {
        const into = new Uint8Array(call.length);
        return [await this.file?.read(into, call.at), into];
      }
      case 'truncate':
        return this.file?.truncate(call.size);
      case 'dataSync':
        return this.file?.dataSync();
      case 'sync':
        return this.file?.sync();
      case 'close':
        return this.file?.close();
      case 'fstat':
        return kindAndSize(await this.file?.stat());
      case 'tryLock':
        return this.file?.tryLock();
      case 'readdir':
        return [...(await this.#disk.readdir(path))].sort((a, b) => (a.name < b.name ? -1 : 1));
      case 'stat':
        return kindAndSize(await this.#disk.stat(path));
      case 'rename':
        return this.#disk.rename(path, join(this.#root, call.to));
      case 'mkdir':
      case 'unlink':
      case 'syncDirectory':
        return this.#disk[call.kind](path);
      case 'link':
        return this.#disk.link(path, join(this.#root, call.to));
    }
  }
}

/** The size of a directory means something else on each file system. */
function kindAndSize(stat: { kind: string; size: number } | null | undefined): unknown {
  return stat?.kind === 'file' ? [stat.kind, stat.size] : stat?.kind;
}

/** Whether the port says what the call does: not for a directory's handle, nor for the sync of a file's name. */
async function isAsked(call: Call, on: Side): Promise<boolean> {
  if (call.kind === 'syncDirectory') {
    const found = await on.make({ kind: 'stat', name: call.name }, 0);
    return !Array.isArray(found);
  }
  const isDirectory = (await on.make({ kind: 'fstat' }, 0)) === 'directory';
  return !(isDirectory && ['write', 'truncate', 'tryLock', 'sync', 'dataSync'].includes(call.kind));
}

test('the same calls give the same values and error codes on the simulated and on a real disk', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 60 }), async (calls) => {
      const root = await mkdtemp(join(tmpdir(), 'keelson-twin-'));
      const real = new Side(new NodeDisk(), root);
      const simulated = new Side(createSimulatedDisk({ seed: 1, directories: ['/root'] }).disk, '/root');
      try {
        for (const [index, one] of calls.entries()) {
          if (!(await isAsked(one, simulated))) continue;
          const [got, expected] = [await simulated.make(one, index), await real.make(one, index)];
          expect({ index, one, got }).toEqual({ index, one, got: expected });
        }
      } finally {
        await real.file?.close();
        await rm(root, { recursive: true });
      }
    }),
    { numRuns: 100 },
  );
});
