import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take longest, roughly from the longest on. What is begun last, alone on one core while the others
 * have nothing left to do, should be short.
 */
const LONGEST = [
  'sim/plan-runs',
  'examples/kv-demo',
  'sim/oracles-fire',
  'damage/unmarked-end',
  'damage/marked-end',
  'damage/clean-end',
  'raft-log/verify-checkpoint',
  'raft-log/crash-life',
  'raft-log/durable-failures',
  'wal/failing-calls',
  'raft-log/durable-conformance',
  'damage/injected',
  'raft-log/verify-store',
  'wal/crashes',
  'raft-log/entry-by-entry',
  'sim/cluster/cluster-runs',
  'examples/demo',
  'raft-log/repair-life',
  'testing/weak-stores',
  'wal/damage',
  'raft-log/huge-save',
  'wal/page-cache',
  'raft-log/durable-reading',
  'raft-log/copies-crash',
  'sim/shrink-plan',
  'cli/copies',
  'cli/repair',
  'raft-log/formats',
  'testing/memory-conformance',
  'snapshot/snapshot-crashes',
  'package/packed',
  'bench/bench',
].map((name) => `test/${name}.test.ts`);

/** Vitest's own order knows how long a file took last time, and on a fresh clone only how large it is. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(this.ctx.config.root, moduleId).replaceAll('\\', '/'));
      return at < 0 ? LONGEST.length : at;
    };
    // A process goes on only with files that may share it, and so they come one behind the other.
    const isShared = ({ project }: TestSpecification): number => (project.config.isolate ? 0 : 1);
    // Sorting keeps the order of what ranks alike.
    return (await super.sort(files)).toSorted((a, b) => isShared(a) - isShared(b) || rank(a) - rank(b));
  }
}
