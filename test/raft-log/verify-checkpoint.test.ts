/**
 * A copy that nobody can look into is trusted until the day it is needed: a checkpoint has to be told whole or damaged, by the
 * same words as a store. Checkpoints on real files are surveyed whole, hurt in each of their parts, and beside a writer.
 */
import { cpSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { planStoreRepair } from '../../src/raft-log/repair-store.js';
import { surveyLog, type LogSurvey } from '../../src/raft-log/repair/survey-log.js';
import { flipBit, segmentOf } from '../cli/stores.js';
import { entriesFrom, openLog, pictureOf, scratch } from './scratch-log.js';

function surveyed(dir: string, walDir: string | null = null): Promise<LogSurvey> {
  return surveyLog({ environment: nodeEnvironment(), dir, walDir });
}

/** Entries 1..60 of which 1..10 are compacted, a snapshot at 20, and what behind that is in segments. */
async function source(root: string): Promise<RaftLog> {
  const log = await openLog(join(root, 'log'));
  await log.save({ hardState: { term: 3, vote: 'node-1' } });
  for (let index = 1; index <= 60; index += 4) await log.append(entriesFrom(index, 4, 2, 300));
  await log.createSnapshot({ index: 20, conf: Uint8Array.of(7), data: new Uint8Array(600).fill(1) });
  await log.compact(10);
  return log;
}

test('a whole one is sound, and shows what a clone of it will hold', async () => {
  const root = scratch();
  const log = await source(root);
  await log.checkpoint({ scope: 'durable', to: join(root, 'durable') });
  await log.createSnapshot({ index: 60, conf: Uint8Array.of(7), data: new Uint8Array(600).fill(2) });
  await log.checkpoint({ scope: 'all', to: join(root, 'all') });
  for (const [name, firstIndex, at] of [
    ['durable', 21, 20],
    ['all', 61, 60],
  ] as const) {
    const before = pictureOf(join(root, name));
    const { kind, damages, blemishes, pieces, snapshots } = await surveyed(join(root, name));
    expect({ kind, damages, blemishes }).toEqual({ kind: 'checkpoint', damages: [], blemishes: [] });
    const state = pieces.at(-1)?.state;
    expect(state).toMatchObject({ firstIndex, lastIndex: 60, snapshotName: { index: at } });
    expect(state?.hardState).toEqual({ term: 3, vote: 'node-1', commit: at });
    expect(snapshots.length).toBe(1);
    expect(pictureOf(join(root, name))).toEqual(before);
  }
  renameSync(join(root, 'durable', 'wal'), join(root, 'elsewhere'));
  expect((await surveyed(join(root, 'durable'), join(root, 'elsewhere'))).damages).toEqual([]);
});

test('each of its parts that is hurt or missing is named, and no store is made of it', async () => {
  const root = scratch();
  const log = await source(root);
  const whole = join(root, 'whole');
  const { segments, snapshot } = await log.checkpoint({ scope: 'durable', to: whole });
  await log.close();
  const [first = 0, middle = 0, last = 0] = segments.map(({ number }) => number);
  const snapshotFile = (dir: string): string =>
    join(dir, 'snapshots', `${'20'.padStart(16, '0')}-${String(snapshot?.term).padStart(16, '0')}.snap`);
  const hurts: readonly (readonly [(dir: string) => string, (path: string) => void, string])[] = [
    [(dir) => segmentOf(dir, middle), (path) => rmSync(path), 'KEELSON_MISSING_SEGMENT'],
    [(dir) => segmentOf(dir, first), (path) => rmSync(path), 'KEELSON_MISSING_SEGMENT'],
    [(dir) => segmentOf(dir, last), (path) => rmSync(path), 'KEELSON_MISSING_SEGMENT'],
    [(dir) => segmentOf(dir, middle), (path) => flipBit(path, 3000), 'KEELSON_CORRUPT'],
    [(dir) => segmentOf(dir, first), (path) => flipBit(path, 100), 'KEELSON_CORRUPT'],
    [(dir) => segmentOf(dir, last), (path) => truncateSync(path, 600), 'KEELSON_CORRUPT'],
    [(dir) => segmentOf(dir, last), (path) => flipBit(path, 1000), 'KEELSON_CORRUPT'],
    [snapshotFile, (path) => rmSync(path), 'KEELSON_MISSING_SNAPSHOT'],
    [snapshotFile, (path) => flipBit(path, 500), 'KEELSON_CORRUPT'],
    [(dir) => join(dir, 'checkpoint'), (path) => flipBit(path, 60), 'KEELSON_CORRUPT'],
    [(dir) => join(dir, 'checkpoint'), (path) => truncateSync(path, 60), 'KEELSON_CORRUPT'],
  ];
  for (const [at, [fileOf, hurt, code]] of hurts.entries()) {
    const dir = join(root, `hurt-${at}`);
    cpSync(whole, dir, { recursive: true });
    hurt(fileOf(dir));
    const { damages } = await surveyed(dir);
    expect([at, damages[0]]).toMatchObject([at, { code, path: fileOf(dir), canOpen: false }]);
    const plan = await planStoreRepair({ environment: nodeEnvironment(), dir, walDir: null });
    expect([plan.action, plan.why]).toEqual(['impossible', expect.stringContaining('this is a checkpoint')]);
    const to = join(root, `clone-${at}`);
    await expect(cloneRaftLog(dir, { to, identity: 'new-member' })).rejects.toMatchObject({
      family: 'damage',
    });
  }
});

test('what was being written while it was taken is not in it, and is no damage', async () => {
  const root = scratch();
  const log = await source(root);
  let isDone = false;
  const writing = (async () => {
    for (let index = 61; !isDone; index += 2) await log.append(entriesFrom(index, 2, 2, 200));
  })();
  const dir = join(root, 'copy');
  await log.checkpoint({ scope: 'durable', to: dir });
  isDone = true;
  await writing;
  const { damages, pieces } = await surveyed(dir);
  const { lastIndex } = await cloneRaftLog(dir, { to: join(root, 'clone'), identity: 'new-member' });
  expect([damages, pieces.at(-1)?.state.lastIndex]).toEqual([[], lastIndex]);
});

test('one that is being made is none yet', async () => {
  const root = scratch();
  const log = await source(root);
  const dir = join(root, 'copy');
  await log.checkpoint({ scope: 'durable', to: dir });
  writeFileSync(join(dir, 'unfinished'), '');
  await expect(surveyed(dir)).rejects.toMatchObject({ code: 'KEELSON_NOT_A_LOG', path: dir });
});
