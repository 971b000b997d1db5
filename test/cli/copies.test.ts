/**
 * An operator who restores a backup at night must get all of it, or be told which part is missing, and what the server may do.
 * Checkpoints, clones, backups, chains of them and imports are typed as a person would, with pipes and damaged files too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import type { RaftLog, ReadEntry } from '../../src/raft-log/contract.js';
import { filesOf } from '../../src/cli/backup/write-backup.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import type { CheckpointFile } from '../../src/format/checkpoint-file.js';
import { verifyCopy } from '../../src/raft-log/copies/verify-copy.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { bytesOf, openLog, scratch } from '../raft-log/scratch-log.js';
import { entriesOf, flipBit, keelson, KEELSON_COMMAND, madeStore, shell } from './stores.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');

async function seen(log: RaftLog): Promise<object> {
  const snapshot = await log.openSnapshot();
  return {
    firstIndex: log.firstIndex,
    entries: await log.entries(log.firstIndex, log.lastIndex + 1),
    hardState: log.hardState,
    data: snapshot === null ? null : await bytesOf(snapshot.data),
  };
}

async function contentOf(dir: string): Promise<object> {
  const log = await openLog(dir, { create: 'never' });
  const content = await seen(log);
  await log.close();
  return content;
}

function textsOf(entries: readonly ReadEntry[]): string[] {
  return entries.map(
    ({ index, term, kind, data }) => `${index}/${term}/${kind} ${Buffer.from(data).toString()}`,
  );
}

test('checkpoint and clone, of a store and of the checkpoint, also as JSON', async () => {
  const dir = await madeStore({ hasSnapshot: true });
  const [copy, clone, other] = [`${dir}-copy`, `${dir}-clone`, `${dir}-other`];
  const made = await keelson('checkpoint', dir, '--to', copy);
  expect([made.code, made.stdout]).toMatchObject([
    0,
    expect.stringContaining(`${copy} is a checkpoint of ${dir}`),
  ]);
  const cloned = await keelson(
    'clone',
    copy,
    '--to',
    clone,
    '--identity',
    'same',
    '--whole-cluster',
    '--json',
  );
  expect(cloned.code).toBe(0);
  expect(JSON.parse(cloned.stdout)).toMatchObject({
    command: 'clone',
    lastIndex: 60,
    unfitUntil: 0,
    skipped: [],
  });
  const again = await keelson('clone', dir, '--to', other, '--identity', 'new-member');
  expect(again.stdout).toContain('It joins the cluster under a new member id');
  expect(await contentOf(clone)).toMatchObject({ ...(await contentOf(dir)), firstIndex: 31 });
  expect(await contentOf(other)).toMatchObject({ hardState: { vote: null } });
  expect((await keelson('clone', dir, '--to', other, '--identity', 'new-member')).code).toBe(2);
  expect((await keelson('clone', dir, '--to', `${dir}-no`)).stderr).toContain('--identity is needed');
});

test('a clone whose maker is killed is whole or none, and the same command makes it then', async () => {
  const dir = await madeStore({ hasSnapshot: true });
  const clone = `${dir}-clone`;
  const child = spawn('bash', [
    '-c',
    `exec ${KEELSON_COMMAND} clone '${dir}' --to '${clone}' --identity new-member`,
  ]);
  const ended = once(child, 'exit');
  while (!existsSync(join(clone, 'unfinished')) && child.exitCode === null)
    await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await ended;
  if (existsSync(join(clone, 'unfinished'))) {
    await expect(openLog(clone)).rejects.toMatchObject({ code: 'KEELSON_NOT_A_LOG' });
    await cloneRaftLog(dir, { to: clone, identity: 'new-member' });
  }
  const { hardState, ...rest } = (await contentOf(dir)) as { readonly hardState: object };
  expect(await contentOf(clone)).toEqual({ ...rest, hardState: { ...hardState, vote: null } });
});

test('a chain of backups, one through a pipe and a compression program, restores what was there at the last', async () => {
  const root = scratch();
  const dir = join(root, 'log');
  const log = await openRaftLog({ dir, segmentBytes: 8192 });
  await log.save({ hardState: { term: 2, vote: 'node-1' }, entries: entriesOf(1, 60, 2) });
  const whole = await keelson('backup', dir, '--to', join(root, 'a.tar'), '--json', '--quiet');
  const { lastLsn } = JSON.parse(whole.stdout) as { readonly lastLsn: number };
  expect(lastLsn).toBe((await log.save({})).lsn);
  for (let index = 60; index < 120; index += 4) await log.append(entriesOf(index, index + 4, 2));
  await log.createSnapshot({ index: 90, conf: Buffer.from('c'), data: Buffer.from('state at 90') });
  const next = await keelson(
    'backup',
    dir,
    '--to',
    join(root, 'b.tar'),
    '--since',
    String(lastLsn),
    '--json',
    '--quiet',
  );
  const middle = JSON.parse(next.stdout) as { readonly lastLsn: number; readonly bytes: number };
  await log.save({ hardState: { term: 3, vote: 'node-2', commit: 119 }, entries: entriesOf(120, 124, 3) });
  const piped = await shell(
    `keelson backup '${dir}' --to - --since ${middle.lastLsn} --quiet | gzip > '${join(root, 'c.gz')}'; exit \${PIPESTATUS[0]}`,
  );
  expect(piped).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('is backed up to stdout') as string,
  });
  // Only what came later: no snapshot again, and of the segment that went on what is behind.
  const names = (await shell(`tar tzf '${join(root, 'c.gz')}'`)).stdout.trim().split('\n');
  expect(names).toEqual(['backup', 'checkpoint', expect.stringMatching(/^wal\/\d{16}\.wal\+\d+$/), 'sums']);
  const expected = await seen(log);
  await log.close();
  const to = join(root, 'restored');
  const restored = await shell(
    `gunzip < '${join(root, 'c.gz')}' | keelson restore '${join(root, 'a.tar')}' '${join(root, 'b.tar')}' - --to '${to}' --identity same --whole-cluster --quiet`,
  );
  expect(restored).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('It votes as its original did') as string,
  });
  const log2 = await openLog(to, { create: 'never' });
  const back = (await seen(log2)) as { readonly firstIndex: number };
  const { entries, ...rest } = expected as { readonly entries: readonly ReadEntry[] };
  expect(back).toMatchObject({
    ...rest,
    firstIndex: back.firstIndex,
    entries: entries.slice(back.firstIndex - 1),
  });
  expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);

  for (const [files, why] of [
    [['a.tar', 'c'], `c begins behind LSN ${middle.lastLsn}, and `],
    [['b.tar'], 'no backup is given before it'],
    [['a.tar', 'b.tar', 'a.tar'], 'a.tar is a whole one, and b.tar, the one before it, ends at'],
    [['a.tar', 'b.tar', 'b.tar'], 'what lies between is in both'],
  ] as const) {
    writeFileSync(join(root, 'c'), gunzipSync(readFileSync(join(root, 'c.gz'))));
    const paths = files.map((name) => join(root, name));
    const refused = await keelson('restore', ...paths, '--to', join(root, 'none'), '--identity', 'same');
    expect([refused.code, refused.stderr]).toMatchObject([1, expect.stringContaining('KEELSON_LOG_GAP')]);
    expect(refused.stderr.replaceAll(`${root}/`, '')).toContain(why);
    expect(existsSync(join(root, 'none'))).toBe(false);
  }
});

test('an incremental backup holds a snapshot that came later, wherever its segments begin', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await log.save({ hardState: { term: 2 }, entries: entriesOf(1, 10, 2) });
  const { lsn } = await log.save({});
  let isApart = false;
  for (let index = 10; !isApart; index += 1) {
    await log.append(entriesOf(index, index + 1, 2));
    await log.createSnapshot({ index, conf: Buffer.from(''), data: Buffer.from(`state at ${index}`) });
    await log.append(entriesOf(index + 1, index + 2, 2));
    const copy = join(root, `copy-${index}`);
    const { segments } = await log.checkpoint({ scope: 'durable', to: copy });
    const { checkpoint } = await verifyCopy(nodeEnvironment(), copy);
    isApart = (segments[0]?.firstLsn ?? 0) > lsn + 1;
    const files = await filesOf(copy, checkpoint as CheckpointFile, lsn);
    expect(files.map(({ name }) => name).filter((name) => name.startsWith('snapshots/')).length).toBe(1);
    if (isApart) expect(files.every(({ from }) => from === 0)).toBe(true);
  }
});

test('a reader of the stream that goes away ends the backup, and what it has is refused', async () => {
  const dir = await madeStore();
  const { code, stderr } = await shell(
    `keelson backup '${dir}' --to - --quiet | head -c 5000 > '${dir}.cut'; exit \${PIPESTATUS[0]}`,
  );
  expect([code, stderr]).toEqual([3, expect.stringContaining('KEELSON_WRITE_FAILED')]);
  const refused = await keelson('restore', `${dir}.cut`, '--to', `${dir}-r`, '--identity', 'new-member');
  expect([refused.code, refused.stderr]).toMatchObject([1, expect.stringContaining('is no whole backup')]);
});

test('a backup that was cut or hurt is refused, and nothing is overwritten', async () => {
  const dir = await madeStore({ hasSnapshot: true });
  const file = `${dir}.tar`;
  expect((await keelson('backup', dir, '--to', file)).code).toBe(0);
  const over = await keelson('backup', dir, '--to', file);
  expect([over.code, over.stderr]).toMatchObject([2, expect.stringContaining('nothing is overwritten')]);
  const above = await keelson('backup', dir, '--since', '9999', '--to', `${dir}.above`, '--json');
  expect([above.code, above.stderr]).toMatchObject([2, expect.stringContaining('--since is 9999')]);
  for (const { stderr } of [over, above]) expect(stderr).toMatch(/usage: keelson backup/);
  expect(JSON.parse(above.stdout)).toMatchObject({ error: { code: 'USAGE' } });
  expect(existsSync(`${dir}.above`)).toBe(false);
  const bytes = readFileSync(file);
  const refused = async (hurt: Uint8Array): Promise<void> => {
    writeFileSync(`${dir}.bad`, hurt);
    const { code, stderr } = await keelson(
      'restore',
      `${dir}.bad`,
      '--to',
      `${dir}-r`,
      '--identity',
      'new-member',
    );
    expect([code, stderr]).toMatchObject([1, expect.stringContaining('Nothing was restored')]);
    expect(existsSync(`${dir}-r`)).toBe(false);
  };
  await refused(bytes.subarray(0, bytes.length >> 1));
  await refused(Buffer.from('no tar at all'));
  const flipped = Buffer.from(bytes);
  const at = bytes.indexOf('entry 50');
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  await refused(flipped);
  expect((await keelson('restore', file, '--to', dir, '--identity', 'same')).code).toBe(2);
  // A snapshot that rotted in the store is not backed up as if it were whole.
  const [snapshot] = readdirSync(join(dir, 'snapshots'));
  flipBit(join(dir, 'snapshots', snapshot as string), 300);
  const hurt = await keelson('backup', dir, '--to', `${dir}-2.tar`);
  expect([hurt.code, existsSync(`${dir}-2.tar`)]).toEqual([1, false]);
});

test('dump and import are a pair, with conflicts, cuts and an empty entry between', async () => {
  const root = scratch();
  const dir = join(root, 'log');
  const log = await openRaftLog({ dir, segmentBytes: 8192 });
  await log.save({ hardState: { term: 1, vote: 'ä' }, entries: entriesOf(1, 40, 1) });
  await log.save({
    hardState: { term: 2 },
    entries: [{ index: 30, term: 2, kind: 7, data: new Uint8Array() }],
  });
  await log.append(entriesOf(31, 50, 2));
  await log.truncateFrom(45);
  await log.createSnapshot({ index: 20, conf: Buffer.from(''), data: Buffer.from('') });
  await log.compact(12);
  await log.save({ truncateFrom: 44, stable: { mark: Uint8Array.of(1, 2) } });
  await log.append(entriesOf(44, 46, 2));
  await log.close();
  const copied = await shell(
    `keelson dump '${dir}' | keelson import - --from jsonl --to '${root}/copy' --json`,
  );
  expect(copied.code).toBe(0);
  expect(JSON.parse(copied.stdout)).toMatchObject({
    firstIndex: 13,
    lastIndex: 45,
    snapshot: { index: 20, term: 1 },
  });
  const { firstIndex, entries, hardState } = (await contentOf(dir)) as Record<string, unknown>;
  expect(await contentOf(join(root, 'copy'))).toMatchObject({ firstIndex, entries, hardState });
  expect((await keelson('verify', join(root, 'copy'))).code).toBe(0);
  const dump = (await keelson('dump', dir)).stdout;
  for (const bad of [
    dump.slice(0, dump.length >> 1),
    dump.replace(/("index":45,.*"data":")ZW/, '$1ZX'),
    '{"a":1}\n',
  ]) {
    writeFileSync(join(root, 'bad'), bad);
    const { code } = await keelson(
      'import',
      join(root, 'bad'),
      '--from',
      'jsonl',
      '--to',
      join(root, 'none'),
    );
    expect(code).not.toBe(0);
    expect(existsSync(join(root, 'none', 'superblock'))).toBe(false);
  }
});

test('the log of etcd is taken as etcd reads it, and refused where its sums say otherwise', async () => {
  const root = scratch();
  const from = join(FIXTURES, 'etcd-wal');
  const { code, stdout } = await keelson(
    'import',
    from,
    '--from',
    'etcd-wal',
    '--to',
    join(root, 'log'),
    '--json',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    firstIndex: 1,
    lastIndex: 23,
    hardState: { term: 3, vote: 'def', commit: 22 },
    snapshot: { index: 10, term: 1 },
  });
  const log = await openLog(join(root, 'log'));
  expect(textsOf(await log.entries(19, 24))).toEqual([
    '19/1/0 first 19',
    '20/1/0 first 20',
    '21/3/0 second 21',
    '22/3/0 second 22',
    '23/3/0 ',
  ]);
  const [first, second, third] = readdirSync(from).sort() as [string, string, string];
  const bad = join(root, 'bad');
  mkdirSync(bad);
  for (const name of [first, second, third]) copyFileSync(join(from, name), join(bad, name));
  flipBit(join(bad, first), 700);
  expect((await keelson('import', bad, '--from', 'etcd-wal', '--to', join(root, 'no'))).stderr).toContain(
    'CRC-32C',
  );
  copyFileSync(join(from, first), join(bad, first));
  rmSync(join(bad, second));
  expect((await keelson('import', bad, '--from', 'etcd-wal', '--to', join(root, 'no'))).stderr).toContain(
    'is missing',
  );
  rmSync(join(bad, third));
  // Its last segment is gone, and only the commit of the one before tells.
  expect((await keelson('import', bad, '--from', 'etcd-wal', '--to', join(root, 'some'))).code).toBe(0);
});

test('the log of raft-boltdb, with what it does not say told', async () => {
  const root = scratch();
  const file = join(root, 'raft.db');
  writeFileSync(file, gunzipSync(readFileSync(join(FIXTURES, 'raft.db.gz'))));
  const { code, stdout } = await keelson(
    'import',
    root,
    '--from',
    'raft-boltdb',
    '--to',
    join(root, 'log'),
    '--json',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    firstIndex: 9,
    lastIndex: 40,
    hardState: { term: 4, vote: 'node-7', commit: 8 },
    left: ['the term of the entry in front of the first, which nothing says'],
  });
  const log = await openLog(join(root, 'log'));
  expect(textsOf(await log.entries(39, 41))).toEqual(['39/3/0 command 39', '40/4/0 command 40']);
  writeFileSync(file, Buffer.alloc(8192));
  expect((await keelson('import', file, '--from', 'raft-boltdb', '--to', join(root, 'no'))).code).toBe(3);
});
