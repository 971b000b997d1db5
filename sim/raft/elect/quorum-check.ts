import { majority } from '../replicate/quorum.js';
import { becomeFollower } from './roles.js';
import type { Server } from '../host/server.js';

/**
 * Dissertation §6.2: a leader that has not heard of a majority for an election timeout steps down, so that its
 * clients look for the leader that the others may have elected.
 */
export function checkQuorum(server: Server): void {
  const activeCount = server.configuration.voters.filter(
    (id) => id === server.id || server.progress.get(id)?.isActive === true,
  ).length;
  for (const progress of server.progress.values()) progress.isActive = false;
  if (activeCount < majority(server.configuration.voters.length)) becomeFollower(server, server.term, null);
}
