/**
 * Words that are cut, wrong or unreadable cost an operator the night: on a narrow terminal, in a pipe, in a script, on a
 * full disk. Tried on stores fresh, whole and hurt, and with command lines that cannot be followed.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { EXIT, UsageError } from '../../src/cli/exit.js';
import { COMMANDS, FLAGS, helpOf, usageOf } from '../../src/cli/help.js';
import { NETWORK_COMMANDS } from '../../src/cli/network/names.js';
import { NETWORK_HELP } from '../../src/cli/network/network-help.js';
import { readCommandLine } from '../../src/cli/options.js';
import { COLUMNS } from '../../src/cli/text.js';
import { scratch } from '../raft-log/scratch-log.js';
import { flipBit, keelson, madeStore, segmentOf, shell, zero } from './stores.js';

async function freshStore(): Promise<string> {
  const dir = join(scratch(), 'log');
  await (await openRaftLog({ dir, segmentBytes: 8192 })).close();
  return dir;
}

/** Stores as an operator may stand before them: fresh, hurt so that a server opens it, hurt so that none does. */
async function stores(): Promise<readonly string[]> {
  const [fresh, sealed, missing] = await Promise.all([
    freshStore(),
    madeStore(),
    madeStore({ hasSnapshot: true }),
  ]);
  flipBit(segmentOf(sealed, 1), 1000);
  rmSync(segmentOf(missing, 2));
  return [fresh, sealed, missing];
}

describe('what a person reads', () => {
  test(`fits in ${COLUMNS} columns, but for what must stay whole to be copied, and no number stands in a wrong form`, async () => {
    for (const dir of await stores())
      for (const args of [['inspect'], ['verify'], ['repair', '--plan'], ['unfit']]) {
        const { stdout } = await keelson(args[0] as string, dir, ...args.slice(1));
        const tooLong = stdout.split('\n').filter((line) => line.length > COLUMNS && !line.includes(dir));
        expect(tooLong).toEqual([]);
        expect(stdout).not.toMatch(/\b1 (segments|frames|entries|snapshots|places|files)\b/);
        expect(stdout).not.toMatch(/undefined|null|NaN|Infinity|entries \d+(?![\d.])$/m);
      }
  });

  test('of an empty store: no term is told that no entry has', async () => {
    const { stdout } = await keelson('inspect', await freshStore());
    expect(stdout).toContain('entries      none yet, the next has index 1\n');
    expect(stdout).toContain('      1  open   8 KiB  -        -           0\n');
  });

  test('of one entry: its index is not told as a count', async () => {
    const dir = join(scratch(), 'log');
    const log = await openRaftLog({ dir, segmentBytes: 8192 });
    await log.save({ hardState: { term: 7 }, entries: [{ index: 1, term: 7, data: Buffer.from('a') }] });
    const open = await keelson('inspect', dir);
    expect(open.stdout).toContain('entries      index 1 alone, last term 7\n');
    expect(open.stdout).toContain(
      'last end     not closed: a server has it open, or ended without closing it',
    );
    expect(open.stdout).toContain('      1  open   8 KiB  1        7           1\n');
    await log.close();
    expect((await keelson('inspect', dir)).stdout).toContain('last end     closed\n');
  });

  test('a command to copy is quoted where the shell needs it, and names the segments', async () => {
    const dir = join(scratch(), `the server's log`);
    const walDir = join(scratch(), 'segments');
    const log = await openRaftLog({ dir, walDir, segmentBytes: 8192 });
    await log.save({ hardState: { term: 1 }, entries: [{ index: 1, term: 1, data: Buffer.from('a') }] });
    await log.close();
    zero(join(dir, 'superblock'), 0, 8192);
    const { stdout } = await shell(`keelson verify "${dir}" --wal-dir ${walDir} | grep keelson`);
    expect((await shell(`${stdout.trim()} --json`)).stdout).toContain('"action": "rebuild-superblock"');
  });

  test('colours where a terminal shows them, or somebody asks; never in JSON', async () => {
    const dir = await madeStore();
    flipBit(segmentOf(dir, 1), 1000);
    const colours = '\u001B[31m';
    expect((await shell(`keelson verify ${dir}`)).stdout).not.toContain('\u001B');
    expect((await shell(`FORCE_COLOR=1 keelson verify ${dir}`)).stdout).toContain(colours);
    expect((await shell(`FORCE_COLOR=0 keelson verify ${dir}`)).stdout).not.toContain('\u001B');
    const json = (await shell(`FORCE_COLOR=1 keelson verify ${dir} --json`)).stdout;
    expect(JSON.parse(json)).toMatchObject({ verdict: 'damaged' });
  });

  test.skipIf(!existsSync('/usr/bin/script'))(
    'a terminal of its own shows colours, unless NO_COLOR is set',
    async () => {
      const dir = await madeStore();
      const program = 'declare -f keelson > keelson.sh; ';
      const onTerminal = (before: string): Promise<{ stdout: string }> =>
        shell(
          `cd ${scratch()}; ${program}${before} TERM=xterm script -qec "bash -c '. ./keelson.sh; keelson verify ${dir}'" /dev/null`,
        );
      expect((await onTerminal('')).stdout).toContain('\u001B[32m');
      expect((await onTerminal('NO_COLOR=1')).stdout).not.toContain('\u001B[3');
    },
  );
});

describe('help', () => {
  test('and the documents know the same commands, options and exit codes', () => {
    const docs = join(import.meta.dirname, '../../docs');
    const [page = '', ...others] = ['cli.md', 'backups.md', 'wire-conformance.md'].map((name) =>
      readFileSync(join(docs, name), 'utf8'),
    );
    const optionsIn = (text: string): readonly string[] =>
      [...text.matchAll(/--([a-z][a-z-]*)/g)].map(([, flag = '']) => flag);
    const known = new Set([...Object.keys(FLAGS), ...optionsIn(Object.values(NETWORK_HELP).join('\n'))]);
    expect(optionsIn(page).filter((flag) => !known.has(flag))).toEqual([]);
    const told = new Set(optionsIn([page, ...others].join('\n')));
    expect([...known].filter((flag) => !told.has(flag))).toEqual([]);
    for (const command of [...COMMANDS, ...NETWORK_COMMANDS]) expect(page).toContain(`| \`${command} `);
    const codes = [...page.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
  });

  test('of each command, asked for in three ways', () => {
    for (const command of COMMANDS) {
      expect(helpOf(command)).toContain(`usage: keelson ${command} `);
      expect(helpOf(null)).toContain(`  ${command} `);
      for (const args of [
        [command, '--help'],
        [command, 'dir', '-h'],
        ['help', command],
      ])
        expect(readCommandLine(args)).toEqual({ command, wanted: 'help' });
      for (const line of `${helpOf(null)}\n${helpOf(command)}\n${usageOf(command)}`.split('\n'))
        expect(line.length, line).toBeLessThanOrEqual(COLUMNS);
    }
    for (const args of [['help'], ['--help'], ['-h']])
      expect(readCommandLine(args)).toEqual({ command: null, wanted: 'help' });
  });

  test('and the version, on stdout', async () => {
    expect(await keelson('help', 'verify')).toEqual({ code: 0, stdout: `${helpOf('verify')}\n`, stderr: '' });
    expect((await keelson('--version')).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('a command line that cannot be followed', () => {
  test.each<[readonly string[], string]>([
    [[], 'no command'],
    [['look', 'here'], "'look'"],
    [['help', 'look'], "'look'"],
    [['verify'], 'directory'],
    [['verify', ''], 'directory'],
    [['verify', 'a', 'b'], "'b'"],
    [['verify', 'a', '--deep'], '--deep'],
    [['verify', 'a', '-x'], '-x'],
    [['verify', 'a', '--from', '3'], '--from'],
    [['verify', 'a', '--json=yes'], '--json'],
    [['verify', 'a', '--wal-dir', '--json'], '--wal-dir PATH'],
    [['verify', 'a', '--wal-dir='], '--wal-dir'],
    [['verify', 'a', '--apply'], '--apply'],
    [['dump', 'a', '--from', '-1'], '--from'],
    [['dump', 'a', '--from', '9', '--until', '3'], '--until'],
    [['dump', 'a', '--data', 'rot13'], 'rot13'],
    [['repair', 'a'], '--plan'],
    [['repair', 'a', '--plan', '--apply'], '--apply'],
    [['unfit', 'a', '--term', '3'], '--until'],
    [['unfit', 'a', '--until', '3'], '--term'],
  ])('%j is refused by name', (args, named) => {
    const command = COMMANDS.find((one) => one === args[0]) ?? null;
    let refused: unknown = null;
    try {
      readCommandLine(args);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(UsageError);
    expect(refused).toMatchObject({ command, message: expect.stringContaining(named) });
  });

  test('is answered in three lines; with --json as JSON too', async () => {
    const { code, stderr, stdout } = await keelson('verify', 'a', '--deep');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^keelson: .*--deep.*\nusage: keelson verify .*\nMore: keelson verify --help\n$/);
    for (const args of [
      ['verify', '--json'],
      ['dump', 'a', '--data', 'rot13', '--json'],
    ]) {
      const told = await keelson(...args);
      expect(told.code).toBe(2);
      expect(JSON.parse(told.stdout)).toMatchObject({
        schemaVersion: 1,
        command: args[0],
        error: { code: 'USAGE' },
      });
    }
  });
});

test('a script reads one JSON object, and of dump one a line, to the end; of an error too', async () => {
  const gone = join(scratch(), 'gone');
  for (const dir of [...(await stores()), gone]) {
    for (const args of [['inspect'], ['verify'], ['repair', '--plan'], ['unfit']]) {
      const { stdout } = await keelson(args[0] as string, dir, ...args.slice(1), '--json');
      expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, command: args[0], dir });
    }
    const { stdout, code } = await keelson('dump', dir);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines[0]).toMatchObject({ type: 'store', schemaVersion: 1, dir });
    const last = lines[lines.length - 1]?.type;
    if (code === 3) expect(last).toBe('error');
    else expect(last === 'damage').toBe(code === 1);
  }
});

test.skipIf(!existsSync('/dev/full'))(
  'an answer that cannot be written is exit code 3, not damage',
  async () => {
    const dir = await madeStore();
    for (const command of [`inspect ${dir}`, `dump ${dir}`, '--help', `verify ${dir} --json`]) {
      const { code, stderr } = await shell(`keelson ${command} > /dev/full`);
      expect({ command, code }).toEqual({ command, code: 3 });
      expect(stderr).toContain('keelson: the answer could not be written: ENOSPC');
    }
    // What is said beside the answer is not the answer.
    expect(await shell(`keelson verify ${dir}x 2> /dev/full`)).toMatchObject({ code: 3 });
  },
);
