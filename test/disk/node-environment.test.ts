/**
 * At stake: saves of one turn must share one sync (D2), and nothing that the store leaves running may keep a
 * process alive. Tried on Node's own event loop.
 */
import { describe, expect, test, vi } from 'vitest';
import { nodeEnvironment } from '../../src/disk/index.js';

describe('nodeEnvironment', () => {
  test('runs endOfTurn once, behind everything that this turn made ready', async () => {
    const { endOfTurn } = nodeEnvironment();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      endOfTurn(() => {
        order.push('end of turn');
        resolve();
      });
      process.nextTick(() => order.push('tick'));
      queueMicrotask(() => order.push('microtask'));
      void Promise.resolve().then(() => Promise.resolve().then(() => order.push('promise of a promise')));
    });
    expect(order.at(-1)).toBe('end of turn');
    expect(order).toHaveLength(4);
  });

  test.each(['a reaction', 'a tick'])(
    'runs endOfReactions once, behind all of them, from %s',
    async (where) => {
      const { endOfReactions } = nodeEnvironment();
      const order: string[] = [];
      const begin = (resolve: () => void): void => {
        setImmediate(() => order.push('turn'));
        endOfReactions?.(() => {
          order.push('end of reactions');
          resolve();
        });
        queueMicrotask(() => order.push('microtask'));
        void Promise.resolve().then(() => Promise.resolve().then(() => order.push('promise of a promise')));
      };
      await new Promise<void>((resolve) => {
        if (where === 'a tick')
          process.nextTick(() => {
            begin(resolve);
          });
        else
          queueMicrotask(() => {
            begin(resolve);
          });
      });
      expect(order).toEqual(['microtask', 'promise of a promise', 'end of reactions']);
    },
  );

  test('has a clock that never goes back', () => {
    const { now } = nodeEnvironment();
    let last = now();
    for (let i = 0; i < 1000; i += 1) {
      const time = now();
      expect(time).toBeGreaterThanOrEqual(last);
      last = time;
    }
  });

  test('a timer runs once, or not at all if cancelled, however often', async () => {
    const { setTimer } = nodeEnvironment();
    let cancelledRan = false;
    const cancelled = setTimer(0, () => {
      cancelledRan = true;
    });
    cancelled.cancel();
    cancelled.cancel();
    let runs = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimer(1, () => {
        runs += 1;
        timer.cancel();
        // This timer holds nothing alive; the next one, of the test, does, and runs behind it.
        setTimeout(resolve, 2);
      });
    });
    expect({ runs, cancelledRan }).toEqual({ runs: 1, cancelledRan: false });
    expect(() => setTimer(2 ** 31, () => undefined)).toThrow(RangeError);
  });

  test('fills exactly the view it is given, differently each time', () => {
    const { fillRandom } = nodeEnvironment();
    const whole = new Uint8Array(48);
    fillRandom(whole.subarray(16, 32));
    expect(whole.subarray(0, 16).every((byte) => byte === 0)).toBe(true);
    expect(whole.subarray(32).every((byte) => byte === 0)).toBe(true);
    const other = new Uint8Array(16);
    fillRandom(other);
    expect(whole.slice(16, 32)).not.toEqual(other);
  });

  test('goes on where a test of the host has stopped time, also if that came first', async () => {
    vi.useFakeTimers();
    try {
      // The built sources are loaded once; with a query it is another module, from its source.
      const again = '../../src/disk/node-environment.js?again';
      const later = (await import(again)) as { readonly nodeEnvironment: typeof nodeEnvironment };
      expect(later.nodeEnvironment).not.toBe(nodeEnvironment);
      for (const environment of [nodeEnvironment(), later.nodeEnvironment()]) {
        await new Promise<void>((resolve) => {
          environment.endOfTurn(resolve);
        });
        const from = environment.now();
        // An immediate of ours keeps the loop alive, which a timer of ours does not.
        await new Promise<void>((resolve) => {
          let hasRun = false;
          environment.setTimer(1, () => (hasRun = true));
          const look = (): void => {
            if (hasRun) resolve();
            else environment.endOfTurn(look);
          };
          look();
        });
        expect(environment.now()).toBeGreaterThan(from);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  test('a timer keeps no process alive', () => {
    // Node lists what holds the event loop open: one more for a timer of the test's own, none for ours.
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
    const before = timeouts();
    const plain = setTimeout(() => undefined, 60_000);
    expect(timeouts()).toBe(before + 1);
    clearTimeout(plain);
    const ours = nodeEnvironment().setTimer(60_000, () => undefined);
    expect(timeouts()).toBe(before);
    ours.cancel();
  });
});
