import type { AppendRequest, AppendResponse } from '../messages.js';
import { advanceCommit } from './commit.js';
import type { Progress } from './progress.js';
import { replicateTo } from './replication.js';
import { send } from './send.js';
import type { Server } from '../host/server.js';
import type { SnapshotTransfer } from '../snapshots/snapshot-transfer.js';
import { finishTransfer } from '../elect/transfer.js';

/** Figure 2, AppendEntries, receiver; terms have been compared, and the sender is the leader of this term. */
export function handleAppend(server: Server, message: AppendRequest): void {
  const { log } = server;
  // A full disk takes no entries, and memory is no place to keep them: the leader sends them again.
  if (server.storageState === 'full' && message.entries.length > 0) return;
  const { from, prevIndex, prevTerm, entries } = message;
  if (prevIndex < log.commit) {
    // Committed entries are the same everywhere, so what is known is more than what was asked.
    accept(server, from, log.commit);
  } else if (log.matches(prevIndex, prevTerm)) {
    log.append(entries);
    const lastNewIndex = prevIndex + entries.length;
    // Rule 5: what lies beyond this message's last entry may be of another leader.
    log.commitTo(Math.min(message.commit, lastNewIndex));
    accept(server, from, lastNewIndex);
  } else {
    const agreed = log.lastIndexWithTermAtMost(Math.min(prevIndex, log.lastIndex), prevTerm);
    const rejected = { hintIndex: agreed.index, hintTerm: agreed.term };
    send(server, { type: 'append-response', to: from, index: prevIndex, rejected });
  }
}

export function handleAppendResponse(server: Server, message: AppendResponse): void {
  const progress = server.progress.get(message.from);
  if (progress === undefined) return;
  progress.isActive = true;
  if (message.rejected !== null) {
    const { hintIndex, hintTerm } = message.rejected;
    // Both sides skip whole terms: the follower what cannot match the leader's entry, the leader what cannot match
    // the follower's (etcd's conflict hints; the paper's end of §5.3 in both directions).
    const hint = hintTerm === 0 ? hintIndex : server.log.lastIndexWithTermAtMost(hintIndex, hintTerm).index;
    if (progress.refused(message.index, hint)) replicateTo(server, message.from, 'always');
    return;
  }
  accepted(server, progress, message);
  finishTransfer(server, message.from);
}

function accepted(server: Server, progress: Progress, message: AppendResponse): void {
  const wasPaused = progress.isPaused;
  const isNews = progress.acked(message.index);
  if (progress.transfer !== null && isSnapshotOver(server, progress, progress.transfer))
    progress.becomeProbe();
  const isAgreed = progress.state === 'probe' && progress.match === message.index;
  // It may hold nothing more than was known, but it has said so: from here on appends may follow each other.
  if (isAgreed) progress.becomeReplicate();
  if (!isNews && !isAgreed) return;
  progress.inflights.freeTo(message.index);
  if (advanceCommit(server)) server.isBroadcastDue = true;
  // An append that was held back by flow control also held back the commit index; a broadcast would carry it too.
  replicateTo(server, message.from, wasPaused && !server.isBroadcastDue ? 'always' : 'if-entries');
}

/** The follower has it, or can do without. What it has may be compacted away by now: then the next is sent. */
function isSnapshotOver(server: Server, progress: Progress, transfer: SnapshotTransfer): boolean {
  return progress.match + 1 >= server.log.firstIndex || transfer.isCoveredBy(progress.match);
}

function accept(server: Server, to: string, index: number): void {
  send(server, { type: 'append-response', to, index, rejected: null });
}
