import type { NodeId } from '../members/configuration.js';
import type { Raft } from '../raft.js';

/**
 * A leader whose disk hangs commits nothing and keeps its office all the same, since it still answers: it asks the voter
 * that has kept up best to lead. Whoever does not lead, or is the only voter, does nothing.
 */
export function handOver(raft: Raft): void {
  const { role, id, members, configuration } = raft.status;
  if (role !== 'leader') return;
  const matchOf = (voter: NodeId): number => members.get(voter)?.match ?? 0;
  const others = configuration.voters.filter((voter) => voter !== id);
  const [best] = others.sort((one, other) => matchOf(other) - matchOf(one));
  if (best !== undefined) raft.transferLeadership(best);
}
