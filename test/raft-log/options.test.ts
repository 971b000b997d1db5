// An option that is misspelt or out of bounds must be told at open, not show months later as a lost disk.
// Each wrong value is tried alone and must be refused by its name; the defaults are held to the contract.
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { resolveOptions } from '../../src/raft-log/rules/options.js';
import { refused } from './refused.js';

const withOption = (name: string, value: unknown): RaftLogOptions => ({ dir: 'd', [name]: value });

describe('resolveOptions', () => {
  it('fills in the defaults of the contract', () => {
    expect(resolveOptions({ dir: 'd' })).toEqual({
      dir: resolve('d'),
      walDir: null,
      create: 'if-missing',
      segmentBytes: 64 * 2 ** 20,
      batchBytesMax: 16 * 2 ** 20,
      snapshotsKept: 2,
      writeMode: 'auto',
      checks: 'strict',
      readOnly: false,
      verifyOnOpen: 'tail',
      onOlderFormat: 'refuse',
      resetTo: null,
      queueBytesMax: 64 * 2 ** 20,
      recentBytes: 4 * 2 ** 20,
      pinnedBytesQuiet: 2 ** 28,
      environment: undefined,
      signal: undefined,
    });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(resolveOptions({ dir: 'd' }))).toBe(true);
  });

  const wrong: readonly [string, unknown[]][] = [
    ['dir', [undefined, '', 5, 'a\0b', 'a\ud800', '\udc00b', null]],
    ['walDir', ['', 5, null, 'd', './d', 'd/segments', 'd/snapshots', 'd/wal/more', '.', '..', 'd/../d/x']],
    ['create', ['always', true, null]],
    ['segmentBytes', [4095, 2 ** 30 + 1, NaN, '4096', 4096.5, 4096n, null]],
    ['batchBytesMax', [0, -1, 2 ** 28 + 1]],
    ['snapshotsKept', [0, 1001]],
    ['queueBytesMax', [0, 2 ** 30 + 1]],
    ['recentBytes', [-1, 2 ** 30 + 1, 1.5, '0', null]],
    ['writeMode', ['fast', null]],
    ['checks', ['on', false]],
    ['readOnly', [1, 'true', null]],
    ['verifyOnOpen', ['none']],
    ['onOlderFormat', ['ignore']],
    ['resetTo', [{ index: 1, term: 1 }]],
    ['signal', [{}, null]],
    ['sync', [false]],
    ['segmentbytes', [4096]],
  ];
  for (const [name, values] of wrong) {
    it.each(values)(`refuses ${name} %s`, (value) => {
      const error = refused('KEELSON_INVALID_ARGUMENT', () => resolveOptions(withOption(name, value)));
      expect(error.details.argument).toBe(name);
      expect(error.message).toContain(name);
    });
  }

  it.each([undefined, null, 'dir', []])('refuses %j for options', (options) => {
    refused('KEELSON_INVALID_ARGUMENT', () => resolveOptions(options as unknown as RaftLogOptions));
  });

  it('takes the bounds', () => {
    expect(resolveOptions({ dir: 'd', segmentBytes: 4096 }).segmentBytes).toBe(4096);
    expect(
      resolveOptions({ dir: 'd', segmentBytes: 2 ** 30, batchBytesMax: 2 ** 28, snapshotsKept: 1000 })
        .snapshotsKept,
    ).toBe(1000);
  });

  it('tells a separate walDir', () => {
    for (const walDir of ['e', 'dd', '..d', 'd/../e', '/elsewhere']) {
      expect(resolveOptions({ dir: 'd', walDir }).walDir).toBe(resolve(walDir));
    }
    expect(resolveOptions({ dir: 'd', walDir: './d/wal' }).walDir).toBe(null);
  });

  it('makes nothing when it only reads', () => {
    expect(resolveOptions({ dir: 'd', readOnly: true }).create).toBe('never');
    expect(
      refused('KEELSON_INVALID_ARGUMENT', () =>
        resolveOptions({ dir: 'd', readOnly: true, create: 'if-missing' }),
      ).details.argument,
    ).toBe('create');
    for (const onOlderFormat of ['migrate', 'reset'] as const) {
      refused('KEELSON_INVALID_ARGUMENT', () => resolveOptions({ dir: 'd', readOnly: true, onOlderFormat }));
    }
  });

  it('takes resetTo whole or not at all', () => {
    const reset = (resetTo: unknown): unknown =>
      resolveOptions({ dir: 'd', onOlderFormat: 'reset', resetTo } as RaftLogOptions).resetTo;
    expect(reset({ index: 5, term: 2 })).toEqual({ index: 5, term: 2, hardState: null });
    expect(reset({ index: 5, term: 2, hardState: { term: 3, vote: 'a', commit: 1 } })).toEqual({
      index: 5,
      term: 2,
      hardState: { term: 3, vote: 'a', commit: 5 },
    });
    const cases: readonly [unknown, string][] = [
      [undefined, 'resetTo'],
      [{ index: 5 }, 'resetTo.term'],
      [{ term: 5 }, 'resetTo.index'],
      [{ index: -1, term: 1 }, 'resetTo.index'],
      [{ index: 5, term: 2, hardState: { term: 3, vote: null } }, 'resetTo.hardState.commit'],
      [{ index: 5, term: 2, hardState: { term: 3, commit: 1 } }, 'resetTo.hardState.vote'],
      [{ index: 5, term: 2, hardState: { term: 1, vote: null, commit: 1 } }, 'resetTo.hardState.term'],
      [{ index: 5, term: 2, hardState: { term: 2, vote: null, commit: 6 } }, 'resetTo.hardState.commit'],
      [{ index: 5, term: 2, at: 1 }, 'resetTo.at'],
    ];
    for (const [resetTo, argument] of cases) {
      expect(refused('KEELSON_INVALID_ARGUMENT', () => reset(resetTo)).details.argument).toBe(argument);
    }
  });

  it('passes a whole environment through and refuses half of one', () => {
    const error = refused('KEELSON_INVALID_ARGUMENT', () =>
      resolveOptions(withOption('environment', { disk: {} })),
    );
    expect(error.details.argument).toBe('environment.now');
    const environment = {
      disk: {},
      now: () => 0,
      setTimer: () => 0,
      endOfTurn: () => 0,
      fillRandom: () => 0,
    };
    expect(resolveOptions(withOption('environment', environment)).environment).toBe(environment);
  });
});
