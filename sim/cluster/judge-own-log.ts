import type { RaftStatus } from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';
import { describeState, lastIndexOf, termAt } from './promised-log.js';
import type { JudgedNode } from './raft-rules.js';

/**
 * The log that a Raft goes by is its disk's: what it takes for durable is there, and still part of its log; and once it
 * is at rest, with nothing to do and nothing under way, both end at one entry. Throws on a breach.
 */
export function judgeOwnLog(node: JudgedNode, status: RaftStatus, isAtRest: boolean): void {
  const { kept, newest } = node.promised;
  const { durableIndex, lastIndex, lastTerm } = status;
  const isOlder = durableIndex < Math.max(kept.boundaryIndex, newest.boundaryIndex);
  if (!isOlder && (termAt(kept, durableIndex) ?? -1) !== termAt(newest, durableIndex))
    throw found(node, `takes entries up to ${String(durableIndex)} for durable, and could forget them`);
  if (isAtRest && (lastIndex !== lastIndexOf(kept) || lastTerm !== termAt(kept, lastIndex)))
    throw found(node, `goes by a log that ends at ${String(lastIndex)}/${String(lastTerm)}`);
}

function found({ id, promised }: JudgedNode, what: string): ClusterFinding {
  const durable = `durable: ${describeState(promised.kept)}`;
  return new ClusterFinding({ oracle: 'own-log', what: `${id} ${what}`, found: durable });
}
