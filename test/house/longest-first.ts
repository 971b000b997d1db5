import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take longest, roughly from the longest on. What is begun last, alone on one core while the others
 * have nothing left to do, should be short. Those that wait for disks and for programs stand in front of others as long:
 * their waits are filled while there is something to fill them with.
 */
const LONGEST = [
  'examples/kv-demo',
  'sim/plan-runs',
  'damage/unmarked-end',
  'damage/marked-end',
  'damage/clean-end',
  'damage/injected',
  'grpc/served-conformance',
  'grpc/remote-conformance',
  'raft-log/durable-failures',
  'raft-log/crash-life',
  'wal/failing-calls',
  'raft-log/durable-conformance',
  'wal/crashes',
  'bench/bench',
  'examples/demo',
  'raft-log/verify-store',
  'raft-log/repair-life',
  'testing/weak-stores',
  'sim/oracles-fire',
  'raft-log/entry-by-entry',
  'sim/cluster/cluster-runs',
  'raft-log/huge-save',
  'wal/damage',
  'wal/page-cache',
  'cli/network',
  'raft-log/durable-reading',
  'raft-log/copies-crash',
  'raft-log/durable-model',
  'sim/shrink-plan',
  'cli/copies',
  'cli/repair',
  'grpc/wire-conformance',
  'examples/kv-options',
  'grpc/reconnect',
  'sim/raft/safety',
  'sim/net/cut-session',
  'cli/dump-import',
  'raft-log/formats',
  'testing/memory-conformance',
  'snapshot/snapshot-crashes',
  'raft-log/verify-checkpoint',
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
