/**
 * At stake: the store above believes the port's contract word by word: which call fails with which code, what
 * is created, what stays. Tried call by call on the real file system of this machine.
 */
import {
  chmodSync,
  constants,
  readFileSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeEnvironment, NodeDisk, type CallMode, type OpenOptions } from '../../src/disk/index.js';
import { openFlags } from '../../src/disk/node-disk.js';
import { scratchDirectory } from './scratch-directory.js';

const disk = new NodeDisk();
const modes: (CallMode | undefined)[] = ['inline', 'background', undefined];

describe('open', () => {
  test('without create needs the file', async () => {
    const path = join(scratchDirectory(), 'absent');
    for (const access of ['read', 'write'] as const) {
      await expect(disk.open(path, { access })).rejects.toMatchObject({ code: 'ENOENT', path });
    }
  });

  test('exclusive refuses a name that is taken, and makes one that is not', async () => {
    const path = join(scratchDirectory(), 'file');
    const options: OpenOptions = { access: 'write', create: 'exclusive' };
    await (await disk.open(path, options)).close();
    await expect(disk.open(path, options)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('if-missing makes an empty file, and never truncates one', async () => {
    const path = join(scratchDirectory(), 'file');
    const options: OpenOptions = { access: 'write', create: 'if-missing' };
    const file = await disk.open(path, options);
    expect(await file.stat()).toMatchObject({ kind: 'file', size: 0 });
    await file.write(new Uint8Array([1, 2, 3]), 0);
    await file.close();
    const again = await disk.open(path, options);
    expect(await again.stat()).toMatchObject({ size: 3 });
    await again.close();
  });

  test('for reading only refuses a write', async () => {
    const path = join(scratchDirectory(), 'file');
    writeFileSync(path, 'abc');
    const file = await disk.open(path, { access: 'read' });
    expect(() => file.write(new Uint8Array(1), 0, 'inline')).toThrow(/EBADF/);
    await expect(file.write(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'EBADF' });
    await file.close();
  });

  test.skipIf(process.platform === 'win32')('makes files and directories for their owner alone', async () => {
    const directory = join(scratchDirectory(), 'd');
    await disk.mkdir(directory);
    await (await disk.open(join(directory, 'f'), { access: 'write', create: 'exclusive' })).close();
    expect(statSync(directory).mode & 0o077).toBe(0);
    expect(statSync(join(directory, 'f')).mode & 0o077).toBe(0);
  });

  test.skipIf(process.platform === 'win32').each([
    { above: 0o770, umask: 0o002, access: undefined, shared: true },
    { above: 0o770, umask: 0o022, access: undefined, shared: true },
    { above: 0o777, umask: 0o002, access: undefined, shared: false },
    { above: 0o700, umask: 0o002, access: undefined, shared: false },
    { above: 0o700, umask: 0o002, access: 'group', shared: true },
    { above: 0o770, umask: 0o002, access: 'owner', shared: false },
  ] as const)(
    'shares with the group what is made below $above with umask $umask and access $access: $shared',
    async ({ above, umask, access, shared }) => {
      const directory = scratchDirectory();
      chmodSync(directory, above);
      const before = process.umask(umask);
      try {
        const { disk: made } = nodeEnvironment(access === undefined ? {} : { access });
        await made.mkdir(join(directory, 'd'));
        await (await made.open(join(directory, 'f'), { access: 'write', create: 'exclusive' })).close();
      } finally {
        process.umask(before);
      }
      expect(statSync(join(directory, 'd')).mode & 0o777).toBe((shared ? 0o770 : 0o700) & ~umask);
      expect(statSync(join(directory, 'f')).mode & 0o777).toBe((shared ? 0o660 : 0o600) & ~umask);
    },
  );

  test.skipIf(process.getuid?.() !== 0)(
    "makes what root makes another's, where that is asked for",
    async () => {
      const directory = scratchDirectory();
      const { disk: made } = nodeEnvironment({ owner: { uid: 65_534, gid: 65_533 } });
      await made.mkdir(join(directory, 'd'));
      await (await made.open(join(directory, 'd', 'f'), { access: 'write', create: 'if-missing' })).close();
      for (const path of ['d', 'd/f'])
        expect(statSync(join(directory, path))).toMatchObject({ uid: 65_534, gid: 65_533 });
    },
  );

  test.each(['linux', 'darwin', 'win32'])('asks for O_DSYNC, or syncs itself, on %s', (platform) => {
    const { flags, syncsAfterWrite } = openFlags({ access: 'write', dataSync: true }, platform);
    expect({ flag: (flags & constants.O_DSYNC) === constants.O_DSYNC, syncsAfterWrite }).toEqual(
      platform === 'linux' ? { flag: true, syncsAfterWrite: false } : { flag: false, syncsAfterWrite: true },
    );
    expect(openFlags({ access: 'write' }, platform).syncsAfterWrite).toBe(false);
  });
});

describe.each(modes)('an open file, mode %s', (mode) => {
  test('puts bytes at their offset and reads them back, short at the end', async () => {
    const path = join(scratchDirectory(), 'file');
    const file = await disk.open(path, { access: 'write', create: 'exclusive' });
    expect(await file.write(new Uint8Array([7, 8, 9]), 5, mode)).toBe(3);
    expect(await file.write(new Uint8Array([1]), 0, mode)).toBe(1);
    await file.dataSync(mode);
    await file.sync(mode);
    expect([...readFileSync(path)]).toEqual([1, 0, 0, 0, 0, 7, 8, 9]);
    const into = new Uint8Array(10);
    expect(await file.read(into, 6, mode)).toBe(2);
    expect([...into.subarray(0, 2)]).toEqual([8, 9]);
    expect(await file.read(into, 8, mode)).toBe(0);
    expect(await file.read(into, 4000, mode)).toBe(0);
    await file.close();
  });

  test('takes a view into a larger buffer for what it is', async () => {
    const path = join(scratchDirectory(), 'file');
    const file = await disk.open(path, { access: 'write', create: 'exclusive', dataSync: true });
    expect(await file.write(new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4), 0, mode)).toBe(3);
    expect([...readFileSync(path)]).toEqual([2, 3, 4]);
    const into = new Uint8Array(5).fill(9);
    expect(await file.read(into.subarray(1, 4), 0, mode)).toBe(3);
    expect([...into]).toEqual([9, 2, 3, 4, 9]);
    await file.close();
  });

  test('closes once, and then answers EBADF to all', async () => {
    const file = await disk.open(join(scratchDirectory(), 'file'), { access: 'write', create: 'exclusive' });
    await Promise.all([file.close(), file.close()]);
    await file.close();
    const calls = [
      async () => file.read(new Uint8Array(1), 0, mode),
      async () => file.write(new Uint8Array(1), 0, mode),
      async () => file.dataSync(mode),
      async () => file.sync(mode),
      async () => file.truncate(0),
      async () => file.stat(),
      async () => file.tryLock(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'EBADF', path: file.path });
  });
});

test('inline calls answer with values, not promises', async () => {
  const file = await disk.open(join(scratchDirectory(), 'file'), { access: 'write', create: 'exclusive' });
  expect(file.write(new Uint8Array(4), 0, 'inline')).toBe(4);
  expect(file.read(new Uint8Array(4), 0, 'inline')).toBe(4);
  expect(file.dataSync('inline')).toBeUndefined();
  expect(file.sync('inline')).toBeUndefined();
  await file.close();
});

test('close waits for the calls under way, so that none lands in the next file of that number', async () => {
  const directory = scratchDirectory();
  const bytes = new Uint8Array(1 << 20).fill(1);
  for (let round = 0; round < 10; round += 1) {
    const file = await disk.open(join(directory, `a${round}`), { access: 'write', create: 'exclusive' });
    const writes = Array.from({ length: 8 }, async (_, at) => file.write(bytes, at << 20));
    const closed = file.close();
    const next = await disk.open(join(directory, `b${round}`), { access: 'write', create: 'exclusive' });
    await Promise.all([...writes, closed]);
    expect(await next.stat()).toMatchObject({ size: 0 });
    expect(statSync(join(directory, `a${round}`)).size).toBe(8 << 20);
    await next.close();
  }
});

test('truncate cuts, and a longer file reads zeros behind its old end', async () => {
  const path = join(scratchDirectory(), 'file');
  writeFileSync(path, 'abcdef');
  const file = await disk.open(path, { access: 'write' });
  await file.truncate(2);
  await file.truncate(4);
  await file.close();
  expect([...readFileSync(path)]).toEqual([97, 98, 0, 0]);
});

describe('names', () => {
  test('mkdir makes one directory, under a parent that is there', async () => {
    const directory = scratchDirectory();
    await disk.mkdir(join(directory, 'd'));
    await expect(disk.mkdir(join(directory, 'd'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(disk.mkdir(join(directory, 'x', 'y'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('readdir tells names and kinds', async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, 'f'), '');
    await disk.mkdir(join(directory, 'd'));
    symlinkSync('f', join(directory, 's'));
    const entries = [...(await disk.readdir(directory))].sort((a, b) => a.name.localeCompare(b.name));
    expect(entries).toEqual([
      { name: 'd', kind: 'directory' },
      { name: 'f', kind: 'file' },
      { name: 's', kind: 'other' },
    ]);
    await expect(disk.readdir(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('stat gives null for no such name, and one id to all names of an inode', async () => {
    const directory = scratchDirectory();
    const path = join(directory, 'f');
    writeFileSync(path, 'abc');
    expect(await disk.stat(join(directory, 'absent'))).toBeNull();
    const file = await disk.open(path, { access: 'read' });
    await disk.link(path, join(directory, 'g'));
    const facts = await disk.stat(path);
    expect(facts).toMatchObject({ kind: 'file', size: 3 });
    expect(await disk.stat(join(directory, 'g'))).toEqual(facts);
    expect(await file.stat()).toEqual(facts);
    expect(await file.stat('inline')).toEqual(facts);
    expect(await disk.stat(directory)).toMatchObject({ kind: 'directory' });
    await file.close();
  });

  test.skipIf(process.platform !== 'linux')('stat tells the room of a file apart from its size', async () => {
    const path = join(scratchDirectory(), 'file');
    writeFileSync(path, Buffer.alloc(65_536, 1));
    const file = await disk.open(path, { access: 'write' });
    await file.truncate(1_048_576);
    await file.sync();
    const facts = await disk.stat(path);
    expect(facts?.size).toBe(1_048_576);
    expect(facts?.allocatedBytes).toBeGreaterThanOrEqual(65_536);
    expect(facts?.allocatedBytes).toBeLessThan(1_048_576);
    await file.close();
  });

  test('rename replaces; unlink removes the name but not the open file', async () => {
    const directory = scratchDirectory();
    const [a, b] = [join(directory, 'a'), join(directory, 'b')];
    writeFileSync(a, 'new');
    writeFileSync(b, 'old');
    const old = await disk.open(b, { access: 'read' });
    await disk.rename(a, b);
    expect(await disk.stat(a)).toBeNull();
    expect(readFileSync(b, 'utf8')).toBe('new');
    await disk.unlink(b);
    expect(await disk.stat(b)).toBeNull();
    const into = new Uint8Array(3);
    expect(await old.read(into, 0)).toBe(3);
    expect(Buffer.from(into).toString()).toBe('old');
    await old.close();
    await expect(disk.unlink(b)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.rename(a, b)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('statfs tells bytes, what this process may use and what there is', async () => {
  const directory = scratchDirectory();
  const { freeBytes, totalBytes } = await disk.statfs(directory);
  const { blocks, bfree, bsize } = statfsSync(directory);
  expect(totalBytes).toBe(blocks * bsize);
  expect(freeBytes).toBeGreaterThan(0);
  // Others write to the same disk meanwhile; what is reserved for root is not ours in any case.
  expect(freeBytes).toBeLessThanOrEqual(bfree * bsize + 64 * 1024 * 1024);
  await expect(disk.statfs(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
});
