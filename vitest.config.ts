import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfigFnObject } from 'vitest/config';
import { builtSources } from './test/house/built-sources.js';
import { LongestFirst } from './test/house/longest-first.js';
import { testFiles } from './test/house/one-process.js';

/** `vitest run`: what every change must pass. `--mode deep`: the same tests at length (KEELSON_DEEP=1). */
const config: ViteUserConfigFnObject = defineConfig(({ mode }) => {
  const isDeep = mode === 'deep' || process.env['KEELSON_DEEP'] === '1';
  const { together, apart } = testFiles(import.meta.dirname);
  return {
    plugins: [builtSources()],
    test: {
      globalSetup: ['test/house/built-sources.ts'],
      setupFiles: ['test/house/plain-environment.ts', 'test/house/equal-bytes.ts'],
      sequence: { sequencer: LongestFirst },
      // Processes, not threads: tests of the lock must own all descriptors of their process.
      pool: 'forks',
      // Tests run much code a few thousand times, as searches of the simulator do (sim/cli/compile-sooner.ts): inlined as
      // usual, so much is compiled that it takes more time than it saves.
      execArgv: ['--max-inlined-bytecode-size-cumulative=150'],
      projects: [
        { extends: true, test: { name: 'apart', include: apart } },
        // One process after the other for each core would compile the same code again and again.
        { extends: true, test: { name: 'together', include: together, isolate: false } },
      ],
      // One more than there are cores: some wait for disks and for programs that they started. Of its own accord vitest
      // leaves a core to itself, which is half of a machine with two.
      maxWorkers: availableParallelism() + 1,
      // Against what hangs, and no judge of speed: a machine may be slow, and busy with other things.
      testTimeout: isDeep ? 24 * 3_600_000 : 600_000,
      hookTimeout: 600_000,
      env: isDeep ? { KEELSON_DEEP: '1' } : {},
    },
  };
});

export default config;
