import { isKeelsonError, type RaftLog } from '../../src/index.js';
import type { ExitError } from './exit.js';
import type { EngineStatus } from './host/engine.js';
import type { NodeWatcher } from './node-watcher.js';

/** Tells a person at a terminal, in one line each, what a node does; the same line is not said twice in a row. */
export function spokenWatcher(say: (line: string) => void, end: (error: ExitError) => void): NodeWatcher {
  let last = '';
  const sayOnce = (line: string): void => {
    if (line !== last) say(line);
    last = line;
  };
  return {
    waiting: sayOnce,
    opened: (log) => {
      sayOnce(describeOpening(log));
      if (log.unfitUntil > 0) sayOnce(describeUnfitness(log));
      log.events.on('compacted', ({ upTo }) => {
        sayOnce(`compacted up to ${upTo}`);
      });
      log.events.on('snapshot', ({ meta, installed }) => {
        const how = installed ? "installed the leader's snapshot" : 'took a snapshot';
        sayOnce(`${how} of ${meta.bytes} bytes at ${meta.index}`);
      });
      log.events.on('space-back', () => {
        sayOnce('there is space again: taking entries');
      });
    },
    admitted: ({ sentBytes, broughtBytes }) => {
      const without = broughtBytes === 0 ? '' : `; without the backup ${sentBytes + broughtBytes}`;
      sayOnce(
        `added to the voters: the leader has sent ${sentBytes} bytes of entries and snapshots${without}`,
      );
    },
    turned: roleSpeaker(sayOnce),
    sending: () => undefined,
    strange: (error) => {
      sayOnce(`turned a caller away: ${error.message}`);
    },
    refused: end,
    troubled: (error) => {
      if (isKeelsonError(error, 'KEELSON_NO_SPACE')) {
        sayOnce(`the disk is full: taking no entries until there is space. ${error.message}`);
      } else {
        sayOnce(`trouble: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    failed: end,
  };
}

function describeOpening({ recovery, hardState, lastIndex }: RaftLog): string {
  const { verdict, cut } = recovery;
  const torn = cut === null ? '' : `, ${cut.bytes} bytes cut that were never acknowledged`;
  return `log opened (${verdict}${torn}): term ${hardState.term}, entries up to ${lastIndex}`;
}

/** A node that gave up what it may have acknowledged must not help to elect; the Raft asks the log, and obeys. */
function describeUnfitness({ unfitUntil, hardState }: RaftLog): string {
  const until =
    unfitUntil === Infinity
      ? 'for good: give it a new member id'
      : `until commit, now ${hardState.commit}, has reached ${unfitUntil}`;
  return `unfit to vote ${until}: it gave up what it may have acknowledged, so it follows and does not vote or campaign`;
}

function roleSpeaker(say: (line: string) => void): (status: EngineStatus) => void {
  let said = '';
  return ({ role, term, leader }) => {
    const line =
      role === 'leader'
        ? `leading in term ${term}`
        : `${role} in term ${term}, leader ${leader ?? 'unknown'}`;
    if (line === said) return;
    said = line;
    // A candidate asks over and over; what it comes to is what matters.
    if (role === 'leader' || leader !== null) say(line);
  };
}
