import type { RaftLog } from '../../../../src/index.js';
import type { ExitError } from '../../../kv/exit.js';
import type { PeerMessage } from '../../../kv/host/engine.js';
import type { NodeWatcher } from '../../../kv/node-watcher.js';
import type { Announcement } from '../announcement.js';

/** How often the durations of syncs are told. */
const SYNCS_EVERY_MS = 200;

/** Tells the demonstration what it counts and checks. */
export function announcingWatcher(
  announce: (announcement: Announcement) => void,
  end: (error: ExitError) => void,
): NodeWatcher {
  let role = '';
  return {
    waiting: () => undefined,
    admitted: () => undefined,
    opened: (log) => {
      announceLog(log, announce);
    },
    turned: (status) => {
      const said = `${status.role} ${status.term}`;
      if (said !== role) announce({ kind: 'role', role: status.role, term: status.term });
      role = said;
    },
    sending: (message) => {
      announceVote(message, announce);
    },
    strange: (error) => {
      announce({ kind: 'trouble', text: error.message });
    },
    refused: end,
    troubled: (error) => {
      announce({ kind: 'trouble', text: String(error) });
    },
    failed: end,
  };
}

function announceLog(log: RaftLog, announce: (announcement: Announcement) => void): void {
  const { recovery, hardState } = log;
  const { term, vote } = hardState;
  announce({ kind: 'opened', verdict: recovery.verdict, cutBytes: recovery.cut?.bytes ?? 0, term, vote });
  let syncs: number[] = [];
  log.events.on('sync', ({ ms }) => {
    syncs.push(Math.round(ms * 1000) / 1000);
  });
  log.events.on('snapshot', ({ meta, installed }) => {
    announce({ kind: 'snapshot', index: meta.index, bytes: meta.bytes, isInstalled: installed });
  });
  log.events.on('compacted', ({ upTo }) => {
    announce({ kind: 'compacted', upTo });
  });
  setInterval(() => {
    if (syncs.length > 0) announce({ kind: 'syncs', ms: syncs });
    syncs = [];
  }, SYNCS_EVERY_MS).unref();
}

/** A request for votes says that the candidate has voted for itself. */
function announceVote(message: PeerMessage, announce: (announcement: Announcement) => void): void {
  if (message.type === 'foreign') {
    if (message.vote !== undefined) announce({ kind: 'vote', ...message.vote });
    return;
  }
  const { type, term, from, to } = message;
  if (type === 'vote') announce({ kind: 'vote', term, candidate: from });
  if (type === 'vote-response' && message.granted) announce({ kind: 'vote', term, candidate: to });
}
