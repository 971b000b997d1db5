import type { Entry } from '../../../src/raft-log/contract.js';
import type { NodeId } from '../members/configuration.js';
import { dataBytes, headWithin } from './entries.js';
import { invariant } from '../invariant.js';
import type { LogRead } from '../host/outbox.js';
import type { Progress } from './progress.js';
import { send } from './send.js';
import type { Server } from '../host/server.js';
import { readSnapshot } from '../snapshots/snapshot-sending.js';

/** An entry before its place in the log is known. */
export type NewEntry = Required<Pick<Entry, 'kind' | 'data'>>;

/** §5.3: the leader appends to its own log. All that comes up until the next `ready()` is sent together. */
export function appendAsLeader(server: Server, entry: NewEntry): number {
  const { log, term } = server;
  log.append([{ index: log.lastIndex + 1, term, ...entry }]);
  server.uncommittedBytes += entry.data.length;
  server.isBroadcastDue = true;
  return log.lastIndex;
}

/** Sends every follower what it lacks, or at least the commit index. */
export function broadcastAppend(server: Server): void {
  server.isBroadcastDue = false;
  for (const to of server.peers) replicateTo(server, to, 'always');
  acknowledgeOwnLog(server);
}

/** A leader counts itself only when its log is durable, like everybody else: its own answer waits for the save. */
function acknowledgeOwnLog(server: Server): void {
  const own = server.progress.get(server.id);
  const index = server.log.lastIndex;
  if (own === undefined || own.next > index) return;
  send(server, { type: 'append-response', to: server.id, index, rejected: null });
  own.sent(index, 0);
}

/**
 * Sends a follower as much as flow control lets through; `'always'`: at least an empty append, which carries the commit
 * index and probes the log.
 */
export function replicateTo(server: Server, to: NodeId, when: 'always' | 'if-entries'): void {
  const progress = server.progress.get(to);
  if (progress === undefined || to === server.id) return;
  let isSent = sendAppend(server, to, progress, when === 'always');
  while (isSent) isSent = sendAppend(server, to, progress, false);
}

/** The host read entries that were no longer in memory; `null`: it could not, or they are compacted away. */
export function sendEntriesRead(server: Server, read: LogRead, entries: readonly Entry[] | null): void {
  const progress = server.progress.get(read.to);
  // The follower may have been removed, or this leader's term have ended, while the disk was busy.
  if (server.role !== 'leader' || read.term !== server.term || progress === undefined) return;
  progress.isReading = false;
  if (progress.state === 'snapshot') return;
  if (entries === null && server.log.term(read.from - 1) !== null) {
    progress.becomeProbe();
    // A log that cannot be read is asked again at the pace of heartbeats.
    progress.isProbing = true;
    return;
  }
  if (entries !== null && read.from === progress.next && !progress.isPaused) {
    sendEntries(server, read.to, progress, headWithin(entries, server.options.appendBytesMax));
  }
  replicateTo(server, read.to, 'if-entries');
}

function sendAppend(server: Server, to: NodeId, progress: Progress, evenIfEmpty: boolean): boolean {
  if (progress.isPaused) return false;
  const { log, options } = server;
  const from = progress.next;
  if (log.term(from - 1) === null) {
    startSnapshot(server, to, progress);
    return false;
  }
  if (from > log.lastIndex) return evenIfEmpty && sendEntries(server, to, progress, []);
  if (from < log.inMemoryFrom) {
    progress.isReading = true;
    const until = Math.min(log.inMemoryFrom, log.lastIndex + 1);
    server.outbox.reads.push({ to, term: server.term, from, until, bytesMax: options.appendBytesMax });
    return false;
  }
  return sendEntries(server, to, progress, log.inMemory(from, log.lastIndex + 1, options.appendBytesMax));
}

function sendEntries(server: Server, to: NodeId, progress: Progress, entries: readonly Entry[]): true {
  const { log } = server;
  const prevIndex = progress.next - 1;
  const prevTerm = log.term(prevIndex);
  // Nothing to say to a follower behind the compaction boundary: the next try starts a snapshot.
  if (prevTerm === null) return true;
  send(server, { type: 'append', to, prevIndex, prevTerm, entries, commit: log.commit });
  progress.sent(prevIndex + entries.length, dataBytes(entries));
  return true;
}

/** §7: what the follower needs is compacted away. */
function startSnapshot(server: Server, to: NodeId, progress: Progress): void {
  invariant(server.log.firstIndex > 1, 'a log without compaction can serve every follower');
  // A follower that does not answer gets no snapshot: reading one is dear.
  if (!progress.isActive) return;
  progress.becomeSnapshot();
  readSnapshot(server, to, progress);
}
