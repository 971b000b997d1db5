/**
 * A store that a release has left on a disk must be read by every later one, for ever. Directories of each version of
 * the format, written once and never made anew, are opened from a copy and held against what they were written from.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { bytesOf, openLog, scratch } from '../raft-log/scratch-log.js';

const HERE = import.meta.dirname;

interface Content {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly hardState: unknown;
  readonly stable: unknown;
  readonly snapshot: unknown;
  readonly entries: readonly unknown[];
}

const VERSIONS = readdirSync(HERE).filter((name) => /^v\d+$/.test(name));
const STORES = VERSIONS.flatMap((version) =>
  readdirSync(join(HERE, version))
    .filter((name) => name.endsWith('.json'))
    .map((name) => [version, name.slice(0, -'.json'.length)] as const),
);

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

async function contentOf(log: RaftLog): Promise<Content> {
  const { firstIndex, lastIndex, lastTerm, hardState } = log;
  const opened = await log.openSnapshot();
  const snapshot =
    opened === null
      ? null
      : {
          index: opened.meta.index,
          term: opened.meta.term,
          conf: hex(opened.meta.conf),
          data: hex(await bytesOf(opened.data)),
        };
  const entries = (await log.entries(firstIndex, lastIndex + 1)).map((entry) => ({ ...entry, data: hex(entry.data) }));
  const stable = Object.fromEntries([...log.stable].map(([key, value]) => [key, hex(value)]));
  return { firstIndex, lastIndex, lastTerm, hardState, stable, snapshot, entries };
}

test('there are some of each version up to the present one', () => {
  expect(VERSIONS).toEqual(['v1']);
  expect(STORES.map(([, name]) => name)).toEqual(['fresh', 'several-segments', 'small-values', 'unclean-end']);
});

describe.each(STORES)('%s, %s', (version, name) => {
  const expected = JSON.parse(readFileSync(join(HERE, version, `${name}.json`), 'utf8')) as Content;
  const copied = (): string => {
    const dir = join(scratch(), name);
    cpSync(join(HERE, version, name), dir, { recursive: true });
    return dir;
  };

  test('holds what it was written from, read alone and read through', async () => {
    const dir = copied();
    for (const verifyOnOpen of ['tail', 'all'] as const) {
      const log = await openLog(dir, { readOnly: true, verifyOnOpen });
      expect(await contentOf(log)).toEqual(expected);
      expect(log.recovery).toMatchObject({ verdict: 'clean', damage: null, rebuilt: [], snapshotFallback: null });
      await log.close();
    }
  });

  test('is written on', async () => {
    const dir = copied();
    for (let time = 0; time < 2; time += 1) {
      const log = await openLog(dir, { segmentBytes: 4096 });
      const { firstIndex, lastIndex, hardState } = expected;
      expect(log.recovery).toMatchObject({ verdict: 'clean', cut: null, damage: null, quarantined: [] });
      expect({ ...(await contentOf(log)), lastIndex, entries: [] }).toMatchObject({ firstIndex, lastIndex });
      const term = Math.max(1, log.hardState.term);
      const data = new Uint8Array(1500).fill(time);
      await log.save({ entries: [{ index: log.lastIndex + 1, term, data }], hardState: { term } });
      expect(log.lastIndex).toBe(lastIndex + time + 1);
      expect(log.hardState).toMatchObject({ commit: (hardState as { commit: number }).commit });
      await log.close();
    }
  });
});
