import type { Entry, HardState } from '../../../src/raft-log/contract.js';
import { hasCommittedInTerm } from '../replicate/commit.js';
import { dataBytes, headWithin } from '../replicate/entries.js';
import { broadcastHeartbeat } from '../replicate/heartbeat.js';
import type { Message, SnapshotHead } from '../messages.js';
import type { LogRead, ReadState, SnapshotRead } from './outbox.js';
import { startReadRound } from '../reads/read-index.js';
import { broadcastAppend } from '../replicate/replication.js';
import type { Server } from './server.js';
import type { SnapshotPiece } from '../snapshots/snapshot-transfer.js';

/** What must be on stable storage, in one atomic write, before `messagesAfterSave` may leave. */
export interface ReadySave {
  /** To be given to `persisted` or `storageFailed`. Saves are made in order of id. */
  readonly id: number;
  /** Drop the entries from here on first. */
  readonly truncateFrom?: number;
  /** To be appended, in order, without holes. */
  readonly entries: readonly Entry[];
  /** The whole hard state, if it changed. */
  readonly hardState?: HardState;
  /**
   * Install the snapshot whose pieces came in `snapshotPieces`, in place of the whole log, and put the state
   * machine to it. There are no entries beside it, and no further save until it is reported.
   */
  readonly snapshot?: SnapshotHead;
  /**
   * False if nothing here needs the disk: at most a commit index, which the host may leave out. It is then still
   * reported, after all saves before it.
   */
  readonly mustSync: boolean;
}

/** What the Raft wants done, in any order unless said otherwise. */
export interface Ready {
  /** Null: nothing to write, and nothing waits for it. */
  readonly save: ReadySave | null;
  /** To be sent at once, before `save` is done. */
  readonly messages: readonly Message[];
  /** To be sent once `save` is durable, never before: they are acknowledgements, votes and what follows a vote. */
  readonly messagesAfterSave: readonly Message[];
  /** Committed and durable here. To be applied in order, then reported by `applied`. */
  readonly committedEntries: readonly Entry[];
  /** Answers to `readIndex`. */
  readonly readStates: readonly ReadState[];
  /** To be answered by `entriesRead`. */
  readonly reads: readonly LogRead[];
  /** To be answered by `snapshotRead`. */
  readonly snapshotReads: readonly SnapshotRead[];
  /** To be kept, in order, before `save`. Offset 0 begins anew and voids what was kept. */
  readonly snapshotPieces: readonly SnapshotPiece[];
}

/** Of a server whose log has failed: whatever it would say could be a lie after the log is opened again. */
const NOTHING: Ready = Object.freeze({
  save: null,
  messages: [],
  messagesAfterSave: [],
  committedEntries: [],
  readStates: [],
  reads: [],
  snapshotReads: [],
  snapshotPieces: [],
});

/** Whether `takeReady` would hand out anything. */
export function hasReady(server: Server): boolean {
  const { outbox, storageState, reads } = server;
  if (storageState === 'failed') return false;
  const mayStartRound = server.role === 'leader' && reads.isWaiting && hasCommittedInTerm(server);
  if (server.isBroadcastDue || mayStartRound || isBatchDue(server)) return true;
  if (canSave(server) && (server.log.hasWork(server.hardState) || outbox.messagesAfterSave.length > 0))
    return true;
  return !outbox.isEmptyButForSave;
}

/** Hands out all that has come up, once. */
export function takeReady(server: Server): Ready {
  if (server.storageState === 'failed') return NOTHING;
  if (server.isBroadcastDue) broadcastAppend(server);
  if (startReadRound(server)) broadcastHeartbeat(server);
  const committedEntries = takeBatch(server);
  const taken = server.outbox.take(canSave(server));
  const save = canSave(server) ? takeSave(server, taken.messagesAfterSave) : null;
  return {
    save,
    messages: taken.messages,
    messagesAfterSave: taken.messagesAfterSave.filter((message) => message.to !== server.id),
    committedEntries,
    readStates: taken.readStates,
    reads: taken.reads,
    snapshotReads: taken.snapshotReads,
    snapshotPieces: taken.snapshotPieces,
  };
}

function canSave(server: Server): boolean {
  return server.log.canOffer && !server.isSavingPaused;
}

function takeSave(server: Server, messagesAfterSave: readonly Message[]): ReadySave | null {
  const { log, hardState } = server;
  if (!log.hasWork(hardState) && messagesAfterSave.length === 0) return null;
  const toSelf = messagesAfterSave.filter((message) => message.to === server.id);
  const offer = log.offer(hardState, toSelf);
  const { id, entries, mustSync, truncateFrom, hardState: changed, snapshot } = offer;
  return {
    id,
    entries,
    mustSync,
    ...(truncateFrom !== null && { truncateFrom }),
    ...(changed !== null && { hardState: changed }),
    ...(snapshot !== null && { snapshot }),
  };
}

/** Entries are applied only once they are durable here, so that a state machine is never ahead of its log. */
function appliableIndex(server: Server): number {
  const { log, applying } = server;
  return applying.isBatchOut || log.awaitsSnapshot ? 0 : Math.min(log.commit, log.durableIndex);
}

function isBatchDue(server: Server): boolean {
  const { applying, log } = server;
  if (applying.next > appliableIndex(server)) return false;
  return applying.next >= log.inMemoryFrom || applying.fromDisk.length > 0 || applying.diskRead === 'none';
}

function takeBatch(server: Server): readonly Entry[] {
  if (!isBatchDue(server)) return [];
  const { applying, log, options } = server;
  const bytesMax = options.appendBytesMax;
  const from = applying.next;
  const until = appliableIndex(server) + 1;
  let batch: readonly Entry[];
  if (applying.fromDisk.length > 0) {
    batch = headWithin(applying.fromDisk, bytesMax);
  } else if (from >= log.inMemoryFrom) {
    batch = log.inMemory(from, until, bytesMax);
  } else {
    applying.diskRead = 'asked';
    const inMemoryFrom = Math.min(until, log.inMemoryFrom);
    server.outbox.reads.push({ to: server.id, term: server.term, from, until: inMemoryFrom, bytesMax });
    return [];
  }
  applying.handOut(batch);
  server.uncommittedBytes = Math.max(0, server.uncommittedBytes - dataBytes(batch));
  return batch;
}
