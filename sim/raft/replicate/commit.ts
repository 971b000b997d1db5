import { quorumValue } from './quorum.js';
import type { Server } from '../host/server.js';

/**
 * §5.3 and §5.4.2: an entry is committed once a majority of the voters holds it durably, but only entries of the
 * leader's own term are committed by counting; older ones come with them (figure 8). Returns whether commit rose.
 */
export function advanceCommit(server: Server): boolean {
  const { log, progress, configuration } = server;
  const index = quorumValue(configuration.voters.map((id) => progress.get(id)?.match ?? 0));
  if (index <= log.commit || !log.matches(index, server.term)) return false;
  log.commitTo(index);
  return true;
}

/** Whether this leader's commit index is surely as new as any that was ever acknowledged (§8, dissertation §6.4). */
export function hasCommittedInTerm(server: Server): boolean {
  return server.log.matches(server.log.commit, server.term);
}
