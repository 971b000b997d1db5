import type { NodeId } from '../members/configuration.js';
import type { SnapshotResponse } from '../messages.js';
import type { SnapshotRead } from '../host/outbox.js';
import type { Progress } from '../replicate/progress.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';
import type { SnapshotPiece } from './snapshot-transfer.js';

/** Asks the host for the next piece, if one may be on its way besides those that are. */
export function readSnapshot(server: Server, to: NodeId, progress: Progress): void {
  const transfer = progress.transfer;
  const offset = transfer?.nextReadOffset ?? null;
  if (transfer === null || offset === null) return;
  transfer.isReading = true;
  const bytesMax = server.options.snapshotChunkBytes;
  server.outbox.snapshotReads.push({ to, term: server.term, offset, bytesMax });
}

/** The host read a piece; `null`: it could not. */
export function sendSnapshotRead(server: Server, read: SnapshotRead, piece: SnapshotPiece | null): void {
  const progress = server.progress.get(read.to);
  if (server.role !== 'leader' || read.term !== server.term || !progress?.transfer) return;
  if (piece === null) {
    abandonSnapshot(progress);
    return;
  }
  const due = progress.transfer.read(piece);
  if (due !== null) sendPiece(server, read.to, due);
  readSnapshot(server, read.to, progress);
}

/** The follower took a piece, or says where to go on. */
export function handleSnapshotResponse(server: Server, message: SnapshotResponse): void {
  const progress = server.progress.get(message.from);
  if (!progress) return;
  progress.isActive = true;
  const transfer = progress.transfer;
  if (transfer?.isOf(message.snapshot) !== true) return;
  transfer.answered(message.offset);
  readSnapshot(server, message.from, progress);
}

/** Heartbeats are the clock of retransmission: no timer of its own is needed. */
export function resendSnapshot(server: Server, to: NodeId, progress: Progress): void {
  for (const piece of progress.transfer?.heartbeatAnswered() ?? []) sendPiece(server, to, piece);
  readSnapshot(server, to, progress);
}

/** Gives up; the next heartbeat that is answered begins anew. */
export function abandonSnapshot(progress: Progress): void {
  progress.becomeProbe();
  progress.isProbing = true;
}

function sendPiece(server: Server, to: NodeId, piece: SnapshotPiece): void {
  send(server, { type: 'snapshot-chunk', to, ...piece });
}
