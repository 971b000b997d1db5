/**
 * Who repairs at night must be told what is kept, what is lost and whether that was acknowledged, before anything is
 * changed and after. Tried on real directories, with the log opened and worked with afterwards.
 */
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { openLog, pictureOf, scratch } from '../raft-log/scratch-log.js';
import { flipBit, keelson, KEELSON_COMMAND, madeStore, segmentOf, shell, textOf, zero } from './stores.js';

async function opened(dir: string): Promise<{
  readonly texts: readonly string[];
  readonly unfitUntil: number;
  readonly term: number;
}> {
  const log = await openRaftLog({ dir, create: 'never', segmentBytes: 8192 });
  try {
    const entries = await log.entries(log.firstIndex, log.lastIndex + 1);
    const texts = entries.map(({ data }) => Buffer.from(data).toString());
    return { texts, unfitUntil: log.unfitUntil, term: log.hardState.term };
  } finally {
    await log.close();
  }
}

function texts(from: number, until: number): string[] {
  return Array.from({ length: until - from }, (_, at) => textOf(from + at));
}

test('a sound store needs no repair', async () => {
  const dir = await madeStore();
  const before = pictureOf(dir);
  for (const flag of ['--plan', '--apply']) {
    const { code, stdout } = await keelson('repair', dir, flag);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${dir}: the store is sound; there is nothing to repair\n`,
    });
  }
  expect(pictureOf(dir)).toEqual(before);
});

test('both slots of the superblock are rebuilt, and nothing is lost', async () => {
  const dir = await madeStore();
  zero(join(dir, 'superblock'), 0, 8192);
  await expect(opened(dir)).rejects.toMatchObject({ code: 'KEELSON_CORRUPT' });
  const planned = await keelson('repair', dir, '--plan', '--json');
  expect(planned.code).toBe(1);
  expect(JSON.parse(planned.stdout)).toMatchObject({
    schemaVersion: 1,
    command: 'repair',
    applied: false,
    action: 'rebuild-superblock',
    lost: { mayBeAcknowledged: false },
  });
  const applied = await keelson('repair', dir, '--apply');
  expect(applied.code).toBe(0);
  expect(applied.stdout).toContain('nothing that was acknowledged is lost');
  expect(await opened(dir)).toEqual({ texts: texts(1, 61), unfitUntil: 0, term: 3 });
});

test('the plan says what is lost and changes nothing; applied, it keeps the rest, votes no more, and deletes nothing', async () => {
  const dir = await madeStore();
  flipBit(segmentOf(dir, 2), 1000);
  const before = pictureOf(dir);
  const planned = await keelson('repair', dir, '--plan');
  expect(planned.code).toBe(1);
  expect(planned.stdout).toMatch(/LOST +entries \d+\.\.60 \(durable: may have been acknowledged\)/);
  expect(planned.stdout).toContain('fit to vote    NO, until commit reaches 60');
  expect(planned.stdout).toContain('Nothing was changed.');
  expect(pictureOf(dir)).toEqual(before);

  const applied = await keelson('repair', dir, '--apply', '--json');
  expect(applied.code).toBe(0);
  const report = JSON.parse(applied.stdout) as { result: { lastIndex: number }; quarantined: string[] };
  const { lastIndex } = report.result;
  expect(lastIndex).toBeGreaterThan(10);
  expect(await opened(dir)).toEqual({ texts: texts(1, lastIndex + 1), unfitUntil: 60, term: 4 });
  const set = readdirSync(join(dir, 'quarantine'), { recursive: true }).map(String);
  for (const name of ['0000000000000002.wal', 'superblock', 'why.txt'])
    expect(set.some((path) => path.endsWith(name))).toBe(true);
  const inspected = await keelson('inspect', dir);
  expect(inspected.code).toBe(0);
  expect(inspected.stdout).toContain('fit to vote  NO, until commit reaches 60');
  expect((await keelson('repair', dir, '--apply')).code).toBe(0);
});

test('where nothing bounds the loss, it says that the server must join anew', async () => {
  const dir = await madeStore();
  zero(join(dir, 'superblock'), 0, 8192);
  rmSync(join(dir, 'marks'));
  rmSync(segmentOf(dir, 3));
  const { code, stdout } = await keelson('repair', dir, '--apply');
  expect(code).toBe(0);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('no witness says where the log ended');
  expect(stdout).toContain('join under a new member id');
  expect((await opened(dir)).unfitUntil).toBe(Infinity);
  const inspected = await keelson('inspect', dir, '--json');
  expect(JSON.parse(inspected.stdout)).toMatchObject({ unfitUntil: 'unbounded' });
});

test('what cannot be repaired is said, and left', async () => {
  const dir = await madeStore({ hasSnapshot: true });
  rmSync(join(dir, 'snapshots'), { recursive: true });
  const before = pictureOf(dir);
  const { code, stdout } = await keelson('repair', dir, '--apply');
  expect(code).toBe(1);
  expect(stdout).toContain('It cannot be repaired');
  expect(pictureOf(dir)).toEqual(before);
});

test('a store that is open is not repaired', async () => {
  const dir = await madeStore();
  flipBit(segmentOf(dir, 1), 1000);
  const log = await openLog(dir, { verifyOnOpen: 'tail' });
  const { code, stderr } = await keelson('repair', dir, '--apply');
  expect(code).toBe(3);
  expect(stderr).toMatch(/^keelson: KEELSON_LOCKED: /);
  await log.close();
  expect((await keelson('repair', dir, '--apply')).code).toBe(0);
});

test.each([
  [['repair', 'a'], '--plan'],
  [['repair', 'a', '--plan', '--apply'], '--apply'],
  [['verify', 'a', '--apply'], '--apply'],
])('%j is refused by name', async (args, named) => {
  const { code, stderr } = await keelson(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(named);
});

test('segments elsewhere, not mounted, or of another store: nothing is repaired', async () => {
  const dir = await madeStore();
  const other = await madeStore();
  rmSync(join(dir, 'wal'), { recursive: true });
  const before = [pictureOf(dir), pictureOf(other)];
  const unmounted = await keelson('repair', dir, '--apply');
  expect(unmounted.code).toBe(1);
  expect(unmounted.stdout.replaceAll(/\s+/g, ' ')).toContain('Check that its disk is mounted');
  const elsewhere = await keelson('repair', dir, '--wal-dir', join(other, 'wal'), '--apply');
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.stderr).toContain(
    'the segments of this store are inside its directory: name no other one',
  );
  cpSync(join(other, 'wal'), join(dir, 'wal'), { recursive: true });
  const mixed = await keelson('repair', dir, '--apply');
  expect(mixed.code).toBe(1);
  expect(mixed.stdout).toMatch(/it is of lineage [^]*name\s+the\s+right\s+one/);
  rmSync(join(dir, 'wal'), { recursive: true });
  expect([pictureOf(dir), pictureOf(other)].map(withoutTimes)).toEqual(before.map(withoutTimes));
});

function withoutTimes(picture: unknown): unknown {
  return (picture as { path: string; bytes: string | null }[]).map(({ path, bytes }) => [path, bytes]);
}

test('on a full disk, a disk for reading only, and without permission: refused by name, and nothing is changed', async ({
  skip,
}) => {
  const dir = await madeStore();
  flipBit(segmentOf(dir, 2), 1000);
  const home = scratch();
  const line = (command: string): ReturnType<typeof shell> =>
    shell(`unshare -rm bash -c 'keelson() { ${KEELSON_COMMAND} "$@"; }; cd ${home}; ${command}'`);
  const mounted = `mount -t tmpfs -o size=512k none ${home} && cd ${home} && cp -r ${dir} log`;
  const tried = await line(mounted);
  if (tried.code !== 0) skip(`no file system may be mounted here: ${tried.stderr.trim()}`);
  const sum = 'find log -type f -not -path "*quarantine*" | sort | xargs cat | md5sum';
  const unchanged = (command: string, code: number): string =>
    `before=$(${sum}); ${command}; [ $? = ${code} ] || exit 90; [ "$before" = "$(${sum})" ] || exit 91`;

  const full =
    await line(`${mounted}; cat /dev/zero > fill 2>/dev/null; ${unchanged('keelson repair log --apply', 3)}
    find log | grep -q quarantine/.*superblock && exit 92
    rm fill; keelson repair log --apply >/dev/null || exit 93; keelson verify log >/dev/null || exit 94`);
  expect(full).toMatchObject({ code: 0 });
  expect(full.stderr).toMatch(/^keelson: KEELSON_NO_SPACE: there is no room for the quarantine.*Free space/m);

  const readOnly = await line(
    `${mounted}; mount -o remount,ro,size=512k ${home}; ${unchanged('keelson repair log --apply', 3)}; ${unchanged('keelson repair log --plan', 1)}`,
  );
  expect(readOnly).toMatchObject({ code: 0 });
  expect(readOnly.stderr).toContain(
    'keelson: KEELSON_WRITE_FAILED: the lock of the store could not be written',
  );
  expect(readOnly.stderr).toContain('EROFS');
});

test('whoever reads its answers may go away: the exit code stays true', async () => {
  const dir = await madeStore();
  const codes = async (commands: readonly string[]): Promise<string[]> => {
    const lines = await Promise.all(
      commands.map((command) => shell(`(sleep 0.1; keelson ${command} --quiet; echo "exit $?" >&2) | true`)),
    );
    return lines.map(({ stderr }) => stderr.trim());
  };
  const all = [`inspect ${dir}`, `verify ${dir}`, `repair ${dir} --plan`, `dump ${dir}`];
  expect(await codes(all)).toEqual(['exit 0', 'exit 0', 'exit 0', 'exit 0']);
  flipBit(segmentOf(dir, 2), 1000);
  expect(await codes(all.slice(0, 3))).toEqual(['exit 1', 'exit 1', 'exit 1']);
  const { stdout } = await shell(
    `((sleep 0.1; keelson verify ${dir}x 2>&1 >/dev/null; echo "exit $?" >&3) | true) 3>&1`,
  );
  expect(stdout).toBe('exit 3\n');
});

test('a restored store is marked unfit to vote, by a plan first, and says so from then on', async () => {
  const dir = await madeStore();
  const before = pictureOf(dir);
  const planned = await keelson('unfit', dir, '--term', '7', '--until', '90');
  expect(planned.code).toBe(0);
  expect(planned.stdout).toContain('  hard state   term 8, vote none, commit 57');
  expect(planned.stdout).toContain(`  keelson unfit ${dir} --term 7 --until 90 --apply`);
  expect(pictureOf(dir)).toEqual(before);
  const done = await keelson('unfit', dir, '--term', '7', '--until', '90', '--apply', '--json');
  expect(JSON.parse(done.stdout)).toMatchObject({ applied: true, action: 'mark', after: { unfitUntil: 90 } });
  expect(await opened(dir)).toEqual({ texts: texts(1, 61), unfitUntil: 90, term: 8 });
  expect((await keelson('inspect', dir)).stdout).toContain('fit to vote  NO, until commit reaches 90');
  const log = await openLog(dir);
  expect(await keelson('unfit', dir, '--apply')).toMatchObject({ code: 3 });
  await log.close();
});
