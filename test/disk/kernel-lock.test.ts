/**
 * At stake: two writers on one log destroy it (D11). Tried with the real kernel lock against a second open in
 * this process, a worker thread and another process, each also ended the hard way.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs, { closeSync, copyFileSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NodeDisk, type DiskFile } from '../../src/disk/index.js';
import { addonFile, runtimeWithoutLocks } from '../../src/disk/kernel-lock.js';
import { scratchDirectory } from './scratch-directory.js';

const disk = new NodeDisk();
const holder = new URL('hold-lock.mjs', import.meta.url);

async function lockFile(): Promise<{ path: string; file: DiskFile }> {
  const path = join(scratchDirectory(), 'superblock');
  writeFileSync(path, 'bytes that mean nothing to the lock');
  const file = await disk.open(path, { access: 'write' });
  onTestFinished(() => file.close());
  return { path, file };
}

async function startProcess(path: string): Promise<{ child: ChildProcess; answer: string }> {
  const child = spawn(process.execPath, [holder.pathname, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, answer: answer.toString().trim() };
}

async function startWorker(path: string): Promise<{ worker: Worker; answer: unknown }> {
  const worker = new Worker(holder, { workerData: path });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [answer] = (await once(worker, 'message')) as [unknown];
  return { worker, answer };
}

describe('the kernel lock', () => {
  test('is refused to a second open in this process, until the first is closed', async () => {
    const { path, file } = await lockFile();
    const second = await disk.open(path, { access: 'write' });
    expect(await file.tryLock()).toBe(true);
    expect(await second.tryLock()).toBe(false);
    await file.close();
    expect(await second.tryLock()).toBe(true);
    await second.close();
  });

  test('is not lost when another open file of the same inode is closed', async () => {
    const { path, file } = await lockFile();
    expect(await file.tryLock()).toBe(true);
    await (await disk.open(path, { access: 'read' })).close();
    expect((await startProcess(path)).answer).toBe('refused');
  });

  test('follows the inode, not the name', async () => {
    const { path, file } = await lockFile();
    expect(await file.tryLock()).toBe(true);
    await disk.rename(path, `${path}.moved`);
    writeFileSync(path, 'another inode');
    onTestFinished(() => {
      rmSync(path, { force: true });
    });
    const moved = await disk.open(`${path}.moved`, { access: 'write' });
    const fresh = await disk.open(path, { access: 'write' });
    expect(await moved.tryLock()).toBe(false);
    expect(await fresh.tryLock()).toBe(true);
    await Promise.all([moved.close(), fresh.close()]);
  });

  test('held here is refused to a worker thread and to another process', async () => {
    const { path, file } = await lockFile();
    expect(await file.tryLock()).toBe(true);
    expect((await startWorker(path)).answer).toBe('refused');
    expect((await startProcess(path)).answer).toBe('refused');
  });

  test('held by a worker thread is refused here, and free once the thread has ended', async () => {
    const { path, file } = await lockFile();
    const { worker, answer } = await startWorker(path);
    expect(answer).toBe('held');
    expect(await file.tryLock()).toBe(false);
    await worker.terminate();
    expect(await file.tryLock()).toBe(true);
  });

  test('held by another process is refused here, and free at once when SIGKILL ends it', async () => {
    const { path, file } = await lockFile();
    const { child, answer } = await startProcess(path);
    expect(answer).toBe('held');
    expect(await file.tryLock()).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await file.tryLock()).toBe(true);
  });

  test('hinders nobody from reading', async () => {
    const { path, file } = await lockFile();
    expect(await file.tryLock()).toBe(true);
    const reader = await disk.open(path, { access: 'read' });
    const into = new Uint8Array(5);
    expect(await reader.read(into, 0)).toBe(5);
    expect(Buffer.from(into).toString()).toBe('bytes');
    await reader.close();
  });
});

test('the addon is found by its file beside the package, and by the package where this module stands nowhere', async () => {
  expect(addonFile(import.meta.url)).toMatchObject({ tryLock: expect.any(Function) });
  expect(addonFile(undefined)).toBeUndefined();
  expect(addonFile(new URL('file:///nowhere/at-all.js').href)).toBeUndefined();
  const { path, file } = await lockFile();
  expect(await file.tryLock()).toBe(true);
  // @ts-expect-error: the package ships no types
  const { default: addon } = (await import('fs-native-extensions')) as {
    default: { tryLock(fd: number, offset: number, length: number, isExclusive: boolean): boolean };
  };
  const fd = openSync(path, 'r+');
  onTestFinished(() => {
    closeSync(fd);
  });
  expect(addon.tryLock(fd, 0, 0, true)).toBe(false);
  await file.close();
  expect(addon.tryLock(fd, 0, 0, true)).toBe(true);
});

test('the file is that of the very copy whose release is known, and of none further out', () => {
  const outer = scratchDirectory();
  const file = `prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
  const installed = dirname(createRequire(import.meta.url).resolve('fs-native-extensions/package.json'));
  const copyBelow = (dir: string, version: string): string => {
    const copy = join(dir, 'node_modules/fs-native-extensions');
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, 'package.json'), JSON.stringify({ version }));
    return copy;
  };
  copyFileSync(join(installed, file), join(copyBelow(outer, '2.0.0'), file));
  copyBelow(join(outer, 'app'), '1.5.9');
  expect(addonFile(pathToFileURL(join(outer, 'app/index.js')).href)).toBeUndefined();
});

test('where Node may not look whether a file is there, the package is asked', () => {
  const { existsSync } = fs;
  onTestFinished(() => {
    fs.existsSync = existsSync;
    syncBuiltinESMExports();
  });
  fs.existsSync = () => {
    throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' });
  };
  syncBuiltinESMExports();
  expect(addonFile(import.meta.url)).toBeUndefined();
});

describe('a runtime in which the addon would end the process', () => {
  test.each([
    [{ node: '26.3.0', deno: '2.9.6' }, 'Deno 2.9.6'],
    [{ node: '24.3.0', bun: '1.4.5' }, 'Bun 1.4.5'],
    [{ node: '20.19.0' }, undefined],
  ])('is known by %o', (versions, expected) => {
    expect(runtimeWithoutLocks(versions)).toBe(expected);
  });
});
