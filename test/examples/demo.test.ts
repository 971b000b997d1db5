/**
 * At stake: a demonstration that always says yes shows nothing, and one that cries wolf is worse. Tried by
 * running the built one as a person would: honest, sabotaged, interrupted and with flags that make no sense.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runSingle } from '../../examples/demo/single/run-single.js';
import { refusedBy, runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const DEMO = 'examples/demo/main.js';

describe('npm run demo -- --single', () => {
  test('holds what was acknowledged against what is there, after every kill', async () => {
    const temporary = scratchDirectory();
    const { code, stdout, stderr } = await runBuilt(DEMO, ['--single', '--kills', '4', '--seed', '7'], {
      temporary,
    });
    expect(stderr).toContain('4/4 kills');
    expect(stdout).toContain('Nothing acknowledged was lost, changed or invented.');
    expect(stdout).toMatch(/entries acknowledged +[1-9]/);
    expect(stdout).toMatch(/kills by SIGKILL +4 /);
    expect(stdout).toMatch(/Power cuts.*are the simulator's to show/);
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('notices a writer that acknowledges before it writes, and names the entries', async () => {
    const temporary = scratchDirectory();
    const { code, stderr } = await runBuilt(DEMO, ['--single', '--sabotage', 'ack-early', '--kills', '20'], {
      temporary,
    });
    expect(stderr).toMatch(/entr(y|ies) \d.*(missing, though|changed since) acknowledged/);
    expect(code).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('feeds any file, and leaves the log where it is told to', async () => {
    const temporary = scratchDirectory();
    const input = join(temporary, 'short.txt');
    writeFileSync(input, Uint8Array.of(0xff, 0x0a, 0x0a, 0x00, 0x0d, 0x0a, 0x41));
    const { code, stdout } = await runBuilt(DEMO, ['--single', '--input', input, '--kills', '1', '--keep'], {
      temporary,
    });
    expect(stdout).toContain('(4 lines)');
    expect(code).toBe(0);
    const [kept = ''] = readdirSync(temporary).filter((name) => name.startsWith('keelson-demo-'));
    expect(stdout).toContain(`The log is left in ${join(temporary, kept)}`);
    expect(readdirSync(join(temporary, kept, 'log'))).toContain('superblock');
  });

  test.each(['SIGINT', 'SIGHUP'] as const)('cleans up when it is interrupted by %s', async (signal) => {
    const temporary = scratchDirectory();
    const program = join(import.meta.dirname, '../../dist', DEMO);
    const child = spawn(process.execPath, [program, '--single'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const closed = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), closed]);
    child.kill(signal);
    const [code] = (await closed) as [number | null];
    expect(code).toBe(130);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.each([
    [['--kills', '0'], '--kills'],
    [['--kills', 'many'], '--kills'],
    [['--seed', '-1'], '--seed'],
    [['--seed=1.5'], '--seed'],
    [['--sabotage', 'vote-twice'], '--sabotage'],
    [['--unknown'], '--unknown'],
    [['stray'], 'stray'],
    [['--input', '/nowhere/at-all.txt'], '/nowhere/at-all.txt'],
  ])('%j is refused by name, before anything is made', async (args, named) => {
    const temporary = scratchDirectory();
    const { code, stderr } = await refusedBy(runSingle, args, temporary);
    expect(code).toBe(2);
    expect(stderr).toContain(named);
    expect(stderr).toContain('usage:');
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a place that takes no folder is named', async () => {
    const temporary = join(scratchDirectory(), 'missing');
    const { code, stderr } = await runBuilt(DEMO, ['--single'], { temporary });
    expect(code).toBe(2);
    expect(stderr).toContain(temporary);
    expect(stderr).toContain('TMPDIR');
  });

  test('an empty text is refused', async () => {
    const temporary = scratchDirectory();
    const input = join(temporary, 'empty.txt');
    writeFileSync(input, '');
    const { code, stderr } = await runBuilt(DEMO, ['--single', '--input', input], { temporary });
    expect(code).toBe(2);
    expect(stderr).toContain('is empty');
  });
});
