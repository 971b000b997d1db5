/**
 * A listener is code of the host inside the writer: what it throws must not turn a durable save into a failed one, keep
 * another listener from hearing, or end the process, and yet must not vanish. Listeners that fail in every way stand
 * between ones that work, on a disk and in memory.
 */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EnvironmentWarning } from '../../src/disk/environment.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { entriesFrom, openLog, scratch } from './scratch-log.js';

type Warning = Error & { readonly code?: string; readonly detail?: string };

/** What the process is warned of in this test, and what would have ended it. */
function heard(): { readonly warnings: Warning[]; readonly fatal: unknown[] } {
  const warnings: Warning[] = [];
  const fatal: unknown[] = [];
  const onWarning = (warning: Warning): void => {
    if (warning.code === 'KEELSON_LISTENER') warnings.push(warning);
  };
  const onFatal = (error: unknown): void => {
    fatal.push(error);
  };
  process.on('warning', onWarning).on('unhandledRejection', onFatal).on('uncaughtException', onFatal);
  onTestFinished(() => {
    process.off('warning', onWarning).off('unhandledRejection', onFatal).off('uncaughtException', onFatal);
  });
  return { warnings, fatal };
}

/** A few whole turns: the end of this one, the warning's own tick, and what follows them. */
async function laterTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const FAILING: readonly [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new TypeError('of no care');
    },
  ],
  ['rejects', () => Promise.reject(new TypeError('of no care'))],
  [
    'rejects later',
    async () => {
      await Promise.resolve();
      throw new TypeError('of no care');
    },
  ],
  [
    'returns what throws when it is looked at',
    () => ({
      get then(): never {
        throw new TypeError('of no care');
      },
    }),
  ],
  [
    'throws what throws when it is looked at',
    () => {
      throw new Proxy(new TypeError('of no care'), {
        get: () => {
          throw new TypeError('of no care');
        },
      });
    },
  ],
];

describe.each([
  ['on a disk', () => openLog(join(scratch(), 'log'))],
  ['in memory', () => Promise.resolve(createMemoryRaftLog())],
] as [string, () => Promise<RaftLog>][])('%s', (_, open) => {
  test.each(FAILING)('a listener that %s harms nothing, and is told of once', async (_way, fail) => {
    const { warnings, fatal } = heard();
    const log = await open();
    const told: string[] = [];
    log.events.on('sync', () => told.push('before'));
    log.events.on('sync', fail);
    log.events.once('sync', fail);
    log.events.on('sync', () => told.push('behind'));
    await log.save({ hardState: { term: 1 }, entries: entriesFrom(1, 2) });
    await log.append(entriesFrom(3, 1));
    expect(told).toEqual(['before', 'behind', 'before', 'behind']);
    expect(log).toMatchObject({ status: 'open', lastIndex: 3 });
    await laterTurns();
    expect(fatal).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.name).toBe('KeelsonWarning');
    expect(warnings[0]?.message).toContain("a listener of 'sync' failed");
    await log.close();
  });

  test('what it threw is in the warning, with its stack', async () => {
    const { warnings } = heard();
    const log = await open();
    log.events.once('sync', function leadsAstray() {
      throw new RangeError('out of all bounds');
    });
    await log.setHardState({ term: 1 });
    await laterTurns();
    expect(warnings[0]?.message).toContain('RangeError: out of all bounds');
    expect(warnings[0]?.detail).toContain('leadsAstray');
    await log.close();
  });

  test('is found by `off`, is told once by `once`, and keeps its `this`', async () => {
    const log = await open();
    const told: string[] = [];
    const twice = { name: 'context' };
    function whose(this: unknown): void {
      told.push((this as typeof twice).name);
    }
    const gone = (): number => told.push('gone');
    log.events
      .on('sync', gone)
      .once('sync', gone)
      .addListener('sync', whose, twice)
      .once('sync', whose, twice);
    expect(log.events.listenerCount('sync')).toBe(4);
    log.events.off('sync', gone);
    expect(log.events.listenerCount('sync')).toBe(2);
    await log.setHardState({ term: 1 });
    await log.setHardState({ term: 2 });
    expect(told).toEqual(['context', 'context', 'context']);
    log.events.removeListener('sync', whose);
    expect(log.events.listenerCount('sync')).toBe(0);
    expect(() => log.events.on('sync', null as never)).toThrow(TypeError);
    await log.close();
  });

  test('is no part of the stream whose pull led to the event: it may take a snapshot', async () => {
    const log = await open();
    await log.save({ hardState: { term: 1 }, entries: entriesFrom(1, 4) });
    const taken: Promise<unknown>[] = [];
    async function* data(): AsyncGenerator<Uint8Array> {
      log.events.once('sync', () => {
        taken.push(log.createSnapshot({ index: 3, conf: new Uint8Array(), data: new Uint8Array(2) }));
      });
      await log.append(entriesFrom(5, 1));
      yield new Uint8Array(1);
    }
    await log.createSnapshot({ index: 2, conf: new Uint8Array(), data: data() });
    expect(taken).toHaveLength(1);
    await Promise.all(taken);
    expect(log.snapshot).toMatchObject({ index: 3, bytes: 2 });
    await log.close();
  });
});

describe('the environment of a host', () => {
  const dir = (): string => join(scratch(), 'log');

  test('gets the warning in place of the process, in a later turn', async () => {
    const { warnings } = heard();
    const own: EnvironmentWarning[] = [];
    const warn = (warning: EnvironmentWarning): void => void own.push(warning);
    const log = await openRaftLog({ dir: dir(), environment: { ...nodeEnvironment(), warn } });
    let inThatTurn = -1;
    log.events.on('sync', () => {
      queueMicrotask(() => (inThatTurn = own.length));
      throw new Error('of no care');
    });
    await log.setHardState({ term: 1 });
    await laterTurns();
    expect(inThatTurn).toBe(0);
    expect(own).toMatchObject([{ code: 'KEELSON_LISTENER' }]);
    expect(warnings).toEqual([]);
    await log.close();
  });

  test('may have no `warn`; one that is no function is refused', async () => {
    const { warn, ...silent } = nodeEnvironment();
    expect(warn).toBeTypeOf('function');
    const log = await openRaftLog({ dir: dir(), environment: silent });
    log.events.on('sync', () => {
      throw new Error('of no care');
    });
    await log.setHardState({ term: 1 });
    await log.close();
    const wrong = { ...silent, warn: 'me' } as never;
    await expect(openRaftLog({ dir: dir(), environment: wrong })).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'environment.warn' },
    });
  });
});
