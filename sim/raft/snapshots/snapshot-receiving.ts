import type { SnapshotChunk } from '../messages.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';

/**
 * Figure 13, InstallSnapshot, receiver. Pieces are handed to the host in order and answered when it has taken them,
 * which is what slows a sender down to its receiver. The last one makes the snapshot replace the log.
 */
export function handleSnapshotChunk(server: Server, message: SnapshotChunk): void {
  const { log } = server;
  const { snapshot, from, offset, data, isLast } = message;
  if (server.storageState === 'full') return;
  if (snapshot.index > log.commit && log.matches(snapshot.index, snapshot.term)) {
    // Rule 6: the log already leads up to there; nothing need be replaced.
    log.commitTo(snapshot.index);
  }
  if (snapshot.index <= log.commit) {
    server.reception = null;
    send(server, { type: 'append-response', to: from, index: log.commit, rejected: null });
    return;
  }
  // One installation at a time: the sender will ask again.
  if (log.awaitsSnapshot) return;
  const wantedOffset = isReceiving(server, message) ? (server.reception?.offset ?? 0) : 0;
  if (offset !== wantedOffset) {
    send(server, { type: 'snapshot-response', to: from, snapshot: idOf(message), offset: wantedOffset });
    return;
  }
  server.outbox.snapshotPieces.push({ snapshot, offset, data, isLast });
  if (isLast) {
    server.reception = null;
    log.replaceBy(snapshot);
    send(server, { type: 'append-response', to: from, index: snapshot.index, rejected: null });
  } else {
    server.reception = { from, snapshot, offset: offset + data.length };
    send(server, {
      type: 'snapshot-response',
      to: from,
      snapshot: idOf(message),
      offset: offset + data.length,
    });
  }
}

function isReceiving(server: Server, message: SnapshotChunk): boolean {
  const reception = server.reception;
  return (
    reception !== null &&
    reception.from === message.from &&
    reception.snapshot.index === message.snapshot.index &&
    reception.snapshot.term === message.snapshot.term
  );
}

function idOf(message: SnapshotChunk): { readonly index: number; readonly term: number } {
  return { index: message.snapshot.index, term: message.snapshot.term };
}
