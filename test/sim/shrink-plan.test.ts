// At stake: a failure that nobody can read is a failure that nobody mends. Toy plans whose smallest failing part is known
// are shrunk to it; and of a bug planted in a copy of the sources, what is left must still show it, and be small.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAny } from '../../sim/cli/any-plan.js';
import type { Summary } from '../../sim/cli/tally.js';
import { Nursery } from '../../sim/mutants/plant.js';
import { PLANTED_BUGS } from '../../sim/mutants/planted-bugs.js';
import { type Lessening, pick, smallestPlan } from '../../sim/plan/smallest-plan.js';

const ROOT = join(import.meta.dirname, '..', '..');
/** Found in nearly every seed of its profile: an acknowledgement before the sync, of the store or of the Raft. */
const BUGS = { disk: 1, cluster: 33 };

interface Toy {
  readonly letters: readonly string[];
  readonly size: number;
}

const TOY: Lessening<Toy> = {
  lists: ({ letters }) => [{ length: letters.length, least: 1 }],
  keep: (toy, [places = []]) => ({ ...toy, letters: pick(toy.letters, places) }),
  numbers: ({ size }) => [{ value: size, least: 2 }],
  put: (toy, [size = toy.size]) => ({ ...toy, size }),
};

const alphabet: Toy = { letters: Array.from('abcdefghijklmnopqrstuvwxyz'), size: 5000 };

describe('a plan is shrunk', () => {
  test.each([
    ['one letter of 26', { letters: ['q'], size: 2 }, ({ letters }: Toy) => letters.includes('q')],
    [
      'two that stand apart',
      { letters: ['c', 'x'], size: 2 },
      ({ letters }: Toy) => letters.includes('c') && letters.includes('x'),
    ],
    ['no less than must stay', { letters: ['z'], size: 2 }, () => true],
    ['its smallest size', { letters: ['z'], size: 737 }, ({ size }: Toy) => size >= 737],
    [
      'a size that a letter asks for',
      { letters: ['e'], size: 40 },
      ({ letters, size }: Toy) => letters.includes('e') && size >= 40,
    ],
  ] as const)('to %s', async (_name, smallest, fails) => {
    const run = (toy: Toy): Promise<string | null> =>
      Promise.resolve(fails(toy) ? JSON.stringify(toy) : null);
    const shrunk = await smallestPlan({ plan: alphabet, result: '' }, TOY, run, 5000);
    expect(shrunk.plan).toEqual(smallest);
    // The result is that of the very plan.
    expect(shrunk.result).toBe(JSON.stringify(smallest));
  });

  test('with no more runs than were asked for, and never the same plan twice', async () => {
    const seen: string[] = [];
    const run = (toy: Toy): Promise<string | null> => {
      seen.push(JSON.stringify(toy));
      return Promise.resolve(toy.letters.includes('q') ? '' : null);
    };
    const { runs } = await smallestPlan({ plan: alphabet, result: '' }, TOY, run, 4);
    expect(runs).toBe(4);
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(4);
  });
});

describe('what a planted bug leaves behind', () => {
  let nursery: Nursery;
  let folder: string;
  beforeAll(async () => {
    nursery = await Nursery.make(ROOT);
    folder = await mkdtemp(join(tmpdir(), 'keelson-shrunk-'));
  });
  afterAll(async () => {
    await nursery.clear();
    await rm(folder, { recursive: true, force: true });
  });

  test.each([
    ['disk', ['trace.txt', 'files-before-crash.txt', 'files-after.txt']],
    ['cluster', ['trace-n1.txt', 'trace-n2.txt', 'trace-n3.txt']],
  ] as const)('by profile %s is a small plan that fails alike, and files to read', async (profile, files) => {
    const bug = PLANTED_BUGS.find(({ number }) => number === BUGS[profile]);
    if (bug === undefined) throw new Error(`no bug ${BUGS[profile]}`);
    const tool = join(await nursery.plant(bug), 'sim/cli/main.js');
    const sim = (...options: string[]): SpawnSyncReturns<string> =>
      spawnSync(process.execPath, [tool, ...options], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    const found = sim('--profile', profile, '--seeds', '1..3', '--artefacts', folder, '--json');
    expect(found.status).toBe(1);
    const { failed } = JSON.parse(found.stdout.trimEnd().split('\n').at(-1) ?? '') as Summary;
    const [first] = failed;
    if (first === undefined) throw new Error('nothing was found');
    const left = join(folder, `${profile}-${first.seed}`);
    expect(await readdir(left)).toEqual(
      expect.arrayContaining(['failure.txt', 'plan.json', 'plan-unshrunk.json', ...files]),
    );
    const { ops, faults } = parseAny(await readFile(join(left, 'plan.json'), 'utf8'));
    expect(ops.length + faults.length).toBeLessThan(12);
    expect(await readFile(join(left, 'failure.txt'), 'utf8')).toContain(`oracle    ${first.oracle}`);

    const replayed = sim('--plan', join(left, 'plan.json'));
    expect(replayed.status).toBe(1);
    expect(replayed.stdout).toContain(`oracle    ${first.oracle}`);
  });
});
