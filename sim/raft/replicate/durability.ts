import { decodeConfiguration } from '../members/configuration.js';
import { becomeFollower } from '../elect/roles.js';
import type { Server } from '../host/server.js';
import { stepMessage } from '../step.js';

/**
 * Everything up to save `id` is on stable storage. Only now does this server count itself: its own vote and its own
 * acknowledgement come back to it like those of others.
 */
export function handlePersisted(server: Server, id: number): void {
  if (server.storageState === 'failed') return;
  const { snapshot, toSelf } = server.log.persisted(id);
  if (snapshot !== null) {
    server.applying.jumpTo(snapshot.index);
    server.configuration = decodeConfiguration(snapshot.conf);
  }
  for (const message of toSelf) stepMessage(server, message);
}

/**
 * A save did not succeed.
 * - `'refused'`: nothing of it exists, now or later, nor of those offered after it (a full disk). Like a crash that
 *   lost what was not durable, except that the server stays up: it can still vote and keep following heartbeats.
 * - `'unknown'`: it may exist or not until the log is opened again. Anything this server said could be a lie after
 *   that, so it says nothing more; the host reopens the log and makes a new Raft from what it finds.
 */
export function handleStorageFailed(server: Server, id: number, fate: 'refused' | 'unknown'): void {
  if (server.storageState === 'failed') return;
  if (fate === 'unknown') {
    becomeFollower(server, server.term, null);
    server.storageState = 'failed';
    server.outbox.dropUnsaved();
    return;
  }
  // One refusal takes all later saves with it; the host reports each, and the first report settled them.
  const save = server.log.saveInFlight(id);
  if (save === null) return;
  server.storageState = 'full';
  // What follows is smaller, a vote perhaps, and may find room. If even that was refused it waits for the next tick.
  server.isSavingPaused = !save.isLarge;
  server.outbox.dropUnsaved();
  server.reception = null;
  // A leader without its own entries would hand out the same indexes again in the same term, so it steps down first.
  if (server.role !== 'follower') becomeFollower(server, server.term, null);
  server.log.revert();
}

/** The log takes entries again. */
export function handleStorageBack(server: Server): void {
  if (server.storageState !== 'full') return;
  server.storageState = 'open';
  server.isSavingPaused = false;
}
