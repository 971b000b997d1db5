// At stake: two runs of a seed are equal only if events and promise reactions interleave in one order.
// Tried: order in time and in arrival, reactions between events, deadlock, both ways to drive the queue.
import { describe, expect, test } from 'vitest';
import { EventQueue, SimulatedDeadlock } from '../../../sim/index.js';
import { createSimulatedDisk } from '../../../sim/index.js';

describe('order', () => {
  test('events run by time, then by arrival, and time is theirs', async () => {
    const queue = new EventQueue({ drive: 'manual' });
    const seen: string[] = [];
    const note = (name: string) => () => {
      seen.push(`${name}@${queue.nowMs}`);
    };
    queue.after(5, note('c'));
    queue.after(1, note('a'));
    queue.after(5, note('d'));
    queue.after(2, note('b'));
    const cancelled = queue.after(3, note('never'));
    cancelled.cancel();
    await queue.runUntilIdle();
    expect(seen).toEqual(['a@1', 'b@2', 'c@5', 'd@5']);
  });

  test('all reactions of an event run before the next event', async () => {
    const queue = new EventQueue({ drive: 'manual' });
    const seen: string[] = [];
    queue.after(1, () => {
      void (async () => {
        for (let depth = 0; depth < 50; depth++) await Promise.resolve();
        seen.push('deep reaction');
      })();
    });
    queue.after(1, () => {
      seen.push('next event');
    });
    await queue.runUntilIdle();
    expect(seen).toEqual(['deep reaction', 'next event']);
  });

  test('a thousand events in drawn order come out sorted', async () => {
    const queue = new EventQueue({ drive: 'manual' });
    const times: number[] = [];
    for (let i = 0; i < 1000; i++) queue.after((i * 7919) % 1000, () => times.push(queue.nowMs));
    await queue.runUntilIdle();
    expect(times).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  test('stops at the time that is given', async () => {
    const queue = new EventQueue({ drive: 'manual' });
    const seen: number[] = [];
    for (const ms of [1, 2, 3]) queue.after(ms, () => seen.push(ms));
    await queue.runUntilIdle(2);
    expect(seen).toEqual([1, 2]);
  });
});

describe('driving', () => {
  test('runs until the work has settled, and gives what it gives', async () => {
    const queue = new EventQueue({ drive: 'manual' });
    const work = new Promise<string>((resolve) => {
      queue.after(10, () => {
        resolve('done');
      });
      queue.after(20, () => {
        expect.fail('runs on behind the work');
      });
    });
    expect(await queue.runUntil(work)).toBe('done');
    expect(queue.nowMs).toBe(10);
    await expect(queue.runUntil(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  test('work that waits for nothing that can come is a deadlock', async () => {
    for (const drive of ['manual', 'auto'] as const) {
      const queue = new EventQueue({ drive });
      queue.after(1, () => undefined);
      await expect(queue.runUntil(new Promise(() => undefined))).rejects.toThrow(SimulatedDeadlock);
    }
  });

  test('drives itself, so that code under test can simply be awaited', async () => {
    const queue = new EventQueue();
    const at = await new Promise<number>((resolve) => {
      queue.after(1000, () => {
        resolve(queue.nowMs);
      });
    });
    expect(at).toBe(1000);
  });

  test('a timer that is set again for ever leaves the real event loop its turns', async () => {
    const queue = new EventQueue();
    let count = 0;
    let stop = false;
    const again = (): void => {
      count += 1;
      if (!stop) queue.timer(1, again);
    };
    again();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    stop = true;
    expect(count).toBeGreaterThan(1);
  });
});

describe('the environment of a process', () => {
  test('has virtual time, an end of turn behind all that is ready, and random bytes of its own', async () => {
    const disk = createSimulatedDisk({ seed: 1 });
    const { environment } = disk;
    const seen: string[] = [];
    await disk.run(async () => {
      environment.endOfTurn(() => seen.push('end of turn'));
      void Promise.resolve().then(() => seen.push('reaction'));
      await new Promise<void>((resolve) => {
        environment.setTimer(100, resolve);
      });
    });
    expect(seen).toEqual(['reaction', 'end of turn']);
    expect(environment.now()).toBe(100);
    const draw = (): string => {
      const into = new Uint8Array(16);
      disk.environment.fillRandom(into);
      return Buffer.from(into).toString('hex');
    };
    const first = draw();
    expect(draw()).not.toBe(first);
    disk.crash('kill');
    expect(draw()).not.toBe(first);
  });

  test('dies with the process: no timer and no end of turn comes', async () => {
    const disk = createSimulatedDisk({ seed: 1 });
    const { environment } = disk;
    let came = 0;
    environment.setTimer(1, () => (came += 1));
    environment.endOfTurn(() => (came += 1));
    disk.crash('kill');
    environment.setTimer(1, () => (came += 1));
    await disk.queue.runUntilIdle();
    expect(came).toBe(0);
  });
});
