import { appendingCases } from './appending-cases.js';
import { conflictRuleCases } from './conflict-rule.js';
import { hardStateCases } from './hard-state-cases.js';
import type { ConformanceHarness } from './harness.js';
import { lifetimeCases } from './lifetime-cases.js';
import { orderingCases } from './ordering-cases.js';
import { ownershipCases } from './ownership-cases.js';
import { readingCases } from './reading-cases.js';
import { refusalCases } from './refusal-cases.js';
import { Scene, type ConformanceCase } from './scene.js';
import { openSnapshotCases } from './open-snapshot-cases.js';
import { snapshotCases } from './snapshot-cases.js';
import { snapshotDataCases } from './snapshot-data-cases.js';
import { stableCases } from './stable-cases.js';
import { waitingCases } from './waiting-cases.js';

const CASES: readonly ConformanceCase[] = [
  ...readingCases,
  ...appendingCases,
  ...hardStateCases,
  ...stableCases,
  ...refusalCases,
  ...snapshotCases,
  ...snapshotDataCases,
  ...openSnapshotCases,
  ...waitingCases,
  ...ownershipCases,
  ...orderingCases,
  ...lifetimeCases,
  ...conflictRuleCases,
];

/**
 * Registers the conformance suite of `RaftLog` with a test runner: what a Raft relies on, seen from outside.
 *
 * Each test opens logs under names of its own and closes them again. Cases that need what `supports` does not
 * name (or `crash`, if there is none) are left out.
 *
 * The last cases draw random steps and open a fresh log for each sequence, over a thousand in all. Where opening takes
 * a while, as on a disk, give the logs small segments, and those cases a minute of time or fewer `property.runs`.
 *
 * ```ts
 * testRaftLogConformance({
 *   test: it,
 *   open: (dir) => openRaftLog({ dir: join(scratch, dir), segmentBytes: 65_536 }),
 *   supports: { reopen: true },
 * });
 * ```
 */
export function testRaftLogConformance(harness: ConformanceHarness): void {
  CASES.forEach((one, position) => {
    if (!isSupported(one, harness)) return;
    harness.test(one.name, async () => {
      const scene = new Scene(harness, `case-${position + 1}`);
      let passed = false;
      try {
        await one.run(scene);
        passed = true;
      } finally {
        // A log that failed its case may fail to close, too; the first failure is the one to show.
        await scene.end().catch((error: unknown) => {
          if (passed) throw error;
        });
      }
    });
  });
}

function isSupported(one: ConformanceCase, { crash, supports }: ConformanceHarness): boolean {
  const has = {
    reopen: supports.reopen,
    crash: crash !== undefined,
    interlocks: supports.interlocks ?? true,
    batchBytesMax: supports.batchBytesMax !== undefined,
  };
  return (one.needs ?? []).every((need) => has[need]);
}
