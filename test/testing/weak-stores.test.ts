// A conformance suite that a broken store passes is worse than none, since its users stop looking.
// Stores with one planted weakness each run the case meant for it, which must fail, and the random steps; a sound store fails none.
import { describe, expect, it } from 'vitest';
import { testRaftLogConformance } from '../../src/testing/index.js';
import { MemoryStore } from './memory-store.js';
import { WEAKNESSES, WeakStore } from './weak-stores.js';

/** Runs the suite outside of any runner: the failures, by name of the case, all of them or no more than `max`. */
async function failuresOf(
  store: MemoryStore,
  isRun: (name: string) => boolean = () => true,
  max = Infinity,
): Promise<Map<string, unknown>> {
  const cases: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  testRaftLogConformance({
    test: (name, run) => cases.push({ name, run }),
    open: (dir) => store.open(dir),
    crash: () => store.crash(),
    supports: { reopen: true },
    property: { runs: 100, stepsMax: 20, seed: 1, replayCommand: (seed, path) => `replay ${seed} ${path}` },
  });
  const failures = new Map<string, unknown>();
  for (const { name, run } of cases) {
    if (!isRun(name) || failures.size >= max) continue;
    await run().catch((error: unknown) => failures.set(name, error));
    // A case that failed in the middle left its log open; no later case may be told so.
    await store.crash();
  }
  return failures;
}

const isRandom = (name: string): boolean => name.startsWith('random steps');

describe('the conformance suite', () => {
  it('finds nothing in a sound store', async () => {
    expect([...(await failuresOf(new MemoryStore()))]).toEqual([]);
  });

  it.each(WEAKNESSES)('catches a store that $name', async (weakness) => {
    const isMeantForIt = (name: string): boolean => name.startsWith(weakness.caughtBy);
    expect([...(await failuresOf(new WeakStore(weakness), isMeantForIt)).keys()]).toHaveLength(1);
  });

  it('prints seed, path and the command that replays a failing property', async () => {
    const weakness = WEAKNESSES.find(({ name }) => name.startsWith('keeps the suffix behind a conflict'));
    if (weakness === undefined) throw new Error('the weakness is gone');
    const name = 'random steps leave what an array would hold';
    const failures = await failuresOf(new WeakStore(weakness), (one) => one === name);
    const message = String(failures.get(name));
    expect(message).toMatch(/seed: 1, path: "[\d:]+"/);
    expect(message).toMatch(/Replay it: replay 1 [\d:]+/);
  });

  it.each(WEAKNESSES.filter(({ isFoundAtRandom }) => isFoundAtRandom))(
    'catches by random steps alone a store that $name',
    async (weakness) => {
      expect((await failuresOf(new WeakStore(weakness), isRandom, 1)).size).toBe(1);
    },
  );
});

describe('what a store does not support', () => {
  const namesWith = (harness: Partial<Parameters<typeof testRaftLogConformance>[0]>): string[] => {
    const names: string[] = [];
    const store = new MemoryStore();
    testRaftLogConformance({
      test: (name) => names.push(name),
      open: (dir) => store.open(dir),
      supports: { reopen: true },
      ...harness,
    });
    return names;
  };

  it('is left out, and nothing else', () => {
    const all = namesWith({
      crash: () => Promise.resolve(),
      supports: { reopen: true, batchBytesMax: 1000 },
    });
    expect(new Set(all).size).toBe(all.length);
    const without = namesWith({ supports: { reopen: false, interlocks: false } });
    expect(all.filter((name) => !without.includes(name)).length).toBeGreaterThan(10);
    expect(without.filter((name) => /crash|reopen|interlock/.test(name))).toEqual([]);
    expect(without.length).toBeGreaterThan(35);
  });
});
