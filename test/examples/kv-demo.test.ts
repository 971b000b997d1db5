/**
 * At stake: the demonstration of three nodes is the first thing that people run, and must neither cry wolf nor keep
 * silent. Tried by running the built one as a person would: honest, lying in both ways, and interrupted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planDisasters } from '../../examples/demo/cluster/disasters.js';
import { runCluster } from '../../examples/demo/cluster/run-cluster.js';
import { Random } from '../../sim/index.js';
import { refusedBy, runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const DEMO = 'examples/demo/main.js';
/** A machine whose cores are all busy may take long; the demonstration itself says then what it waited for. */
const PATIENT = ['--deadline-s', '540'];
/** A quarter of the text will do: nothing happens any longer while the rest is loaded. */
const LINES = 1500;

function shortText(): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, '../../examples/demo/text/opticks.txt'), 'utf8');
  const path = join(scratchDirectory(), 'short.txt');
  writeFileSync(path, `${text.split('\n', LINES).join('\n')}\n`);
  return ['--input', path];
}

describe('npm run demo', () => {
  test('holds what was acknowledged against what three nodes hold, after every kind of disaster', async () => {
    const temporary = scratchDirectory();
    const args = ['--kills', '8', ...shortText(), ...PATIENT];
    const { code, stdout, stderr } = await runBuilt(DEMO, args, { temporary });
    expect(`${stdout}\n${stderr}`).toContain('Every acknowledged write is on every node');
    expect(stdout).toContain('the history of reads and writes is linearizable');
    expect(stdout).toMatch(/kills by SIGKILL +\d+/);
    expect(stdout).toMatch(/snapshots installed +[1-9]/);
    expect(stdout).toMatch(/text loaded +[1-9]/);
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('notices nodes that acknowledge before they write, and names the keys', async () => {
    const temporary = scratchDirectory();
    const { code, stderr } = await runBuilt(
      DEMO,
      ['--sabotage', 'ack-early', '--kills', '8', ...shortText(), ...PATIENT],
      {
        temporary,
      },
    );
    expect(stderr).toMatch(/'(pass 1 line \d{6}|hot \d)'/);
    expect(code).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.each(['none', 'ack-early', 'vote-early'] as const)(
    'waits for no snapshot of nodes that take none: %s',
    (sabotage) => {
      const plan = planDisasters(8, sabotage, new Random(7));
      expect(new Set(plan).size).toBe(sabotage === 'none' ? 5 : 4);
      expect(plan.includes('straggler')).toBe(sabotage === 'none');
    },
  );

  test('notices nodes that vote before they write the vote', async () => {
    const temporary = scratchDirectory();
    const { code, stderr } = await runBuilt(
      DEMO,
      ['--sabotage', 'vote-early', '--kills', '8', ...shortText(), ...PATIENT],
      { temporary },
    );
    expect(stderr).toMatch(/voted for n\d in term \d+, and came back/);
    expect(code).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGHUP'] as const)('cleans up when it is interrupted by %s', async (signal) => {
    const temporary = scratchDirectory();
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../dist', DEMO)], {
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

  test('a place that takes no folder is named', async () => {
    const temporary = join(scratchDirectory(), 'missing');
    const { code, stderr } = await runBuilt(DEMO, [], { temporary });
    expect(code).toBe(2);
    expect(stderr).toContain(temporary);
  });

  test.each([
    [['--kills', '7'], '--kills'],
    [['--seed', 'x'], '--seed'],
    [['--sabotage', 'nothing'], '--sabotage'],
    [['--deadline-s', '1'], '--deadline-s'],
    [['--unknown'], '--unknown'],
    [['--input', '/nowhere/at-all.txt'], '/nowhere/at-all.txt'],
  ])('%j is refused by name, before anything is made', async (args, named) => {
    const temporary = scratchDirectory();
    const { code, stderr } = await refusedBy(runCluster, args, temporary);
    expect(code).toBe(2);
    expect(stderr).toContain(named);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
