/**
 * At stake: a segment that is not all zeros may show a recycled file's frames as live, and one that is
 * filled in one go holds up every save meanwhile (D3). Tried by filling real files and counting the steps.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NodeDisk, nodeEnvironment, zeroFill } from '../../src/disk/index.js';
import { scratchDirectory } from './scratch-directory.js';
import { StingyFile } from './stingy-file.js';

const disk = new NodeDisk();
const environment = nodeEnvironment();

async function oldFile(bytes: number): Promise<{ path: string; file: StingyFile }> {
  const path = join(scratchDirectory(), 'segment');
  writeFileSync(path, Buffer.alloc(bytes, 0xee));
  return { path, file: new StingyFile(await disk.open(path, { access: 'write' }), 1 << 30) };
}

describe('zeroFill', () => {
  test('zeroes exactly its range and tells the bytes of each step', async () => {
    const { path, file } = await oldFile(10_000);
    const steps: number[] = [];
    const written = await zeroFill(file, environment, {
      from: 1000,
      until: 9500,
      stepBytes: 4096,
      onStep: (bytes) => steps.push(bytes),
    });
    await file.close();
    expect(written).toBe(8500);
    expect(steps).toEqual([4096, 4096, 308]);
    const expected = Buffer.alloc(10_000, 0xee).fill(0, 1000, 9500);
    expect(readFileSync(path).equals(expected)).toBe(true);
  });

  test('gives the event loop a turn between steps', async () => {
    const { file } = await oldFile(0);
    const order: string[] = [];
    const filled = zeroFill(file, environment, {
      until: 4096 * 3,
      stepBytes: 4096,
      onStep: () => order.push('step'),
    }).then(() => order.push('done'));
    const turns = (function turn(left: number): Promise<void> {
      return new Promise((resolve) => {
        setImmediate(() => {
          if (order.includes('done') || left === 0) resolve();
          else {
            if (order.at(-1) !== 'turn') order.push('turn');
            turn(left - 1).then(resolve, resolve);
          }
        });
      });
    })(100_000);
    await Promise.all([filled, turns]);
    await file.close();
    expect(order.filter((what) => what === 'step')).toHaveLength(3);
    expect(order.join(' ')).toMatch(/step turn.* step turn.* step/);
  });

  test('syncs on the way, so that dirty pages stay few, and leaves the last sync to the caller', async () => {
    const { file } = await oldFile(0);
    await zeroFill(file, environment, { until: 4096 * 4, stepBytes: 4096, syncEveryBytes: 8192 });
    await file.close();
    expect(file.calls.join(' ')).toBe('write write dataSync write write');
    expect(file.modes.every((mode) => mode === 'background')).toBe(true);
  });

  test('stops between steps when it is told to', async () => {
    const { file } = await oldFile(0);
    const stop = new AbortController();
    const fill = zeroFill(file, environment, {
      until: 1 << 20,
      stepBytes: 4096,
      signal: stop.signal,
      onStep: () => {
        stop.abort(new Error('closing'));
      },
    });
    await expect(fill).rejects.toThrow('closing');
    expect(await file.stat()).toMatchObject({ size: 4096 });
    await file.close();
  });

  test('an empty range is no write', async () => {
    const { file } = await oldFile(100);
    expect(await zeroFill(file, environment, { from: 100, until: 100 })).toBe(0);
    expect(file.calls).toEqual([]);
    await file.close();
  });
});
