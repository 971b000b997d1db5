import type { Message, RaftStatus } from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';

/** A message of an earlier term is answered at most; it changes nothing. Throws on a breach. */
export function judgeStale(message: Message, before: RaftStatus, after: RaftStatus): void {
  const wasLike = stateText(before);
  if (stateText(after) === wasLike) return;
  throw new ClusterFinding({
    oracle: 'stale-message',
    what: `${before.id} took a ${message.type} of term ${String(message.term)} from ${message.from}, and changed`,
    expected: [wasLike],
    found: stateText(after),
  });
}

function stateText(status: RaftStatus): string {
  const { term, vote, role, leader, commit, applied, lastIndex, lastTerm, members } = status;
  const matches = [...members].map(([id, { match }]) => `${id} ${String(match)}`).join(', ');
  return `${role} of ${String(leader)} in term ${String(term)}, vote ${String(vote)}, commit ${String(commit)}, applied ${String(applied)}, log to ${String(lastIndex)}/${String(lastTerm)}; ${matches}`;
}
