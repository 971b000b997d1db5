import { setTimeout as delay } from 'node:timers/promises';
import type { RaftLog, SaveRequest, SaveResult } from '../../../../src/index.js';

/** Milliseconds by which the disk is behind what was said. A kill loses what was said in them. */
const BEHIND_MS = 5000;

/**
 * A log that says 'durable' first and writes later, as a store does that forgets its syncs. What stands between is
 * lost when the process is killed.
 * - `'ack-early'`: of every save.
 * - `'vote-early'`: of those that hold a vote; all others wait their turn behind them.
 */
export function lyingLog(log: RaftLog, lie: 'ack-early' | 'vote-early'): RaftLog {
  let written: Promise<unknown> = Promise.resolve();
  let isHurried = false;
  let { term, vote } = log.hardState;

  const isVote = ({ hardState }: SaveRequest): boolean => {
    if (hardState === undefined) return false;
    const next = { term: hardState.term ?? term, vote: hardState.vote ?? null };
    const isNew = next.term !== term || next.vote !== vote;
    ({ term, vote } = next);
    return isNew;
  };

  const later = (request: SaveRequest, isLie: boolean): Promise<SaveResult> => {
    const dueMs = performance.now() + (isLie ? BEHIND_MS : 0);
    const saved = written.then(async () => {
      if (!isHurried && dueMs > performance.now()) await delay(dueMs - performance.now());
      return log.save(request);
    });
    written = saved.catch(() => undefined);
    return saved;
  };

  const save = (request: SaveRequest): Promise<SaveResult> => {
    const isLie = isVote(request) || lie === 'ack-early';
    const saved = later(request, isLie);
    if (!isLie) return saved;
    saved.catch(() => undefined);
    return Promise.resolve({ lsn: 0, lastIndex: 0 });
  };

  /** What needs the log as it was said to be waits for it. */
  const caughtUp = async (): Promise<void> => {
    isHurried = true;
    await written;
    isHurried = false;
  };

  const lies: Partial<RaftLog> = {
    save,
    entries: async (...range) => caughtUp().then(() => log.entries(...range)),
    createSnapshot: async (request) => caughtUp().then(() => log.createSnapshot(request)),
    installSnapshot: async (request) => caughtUp().then(() => log.installSnapshot(request)),
    close: async () => caughtUp().then(() => log.close()),
  };
  return new Proxy(log, {
    get: (target, name) => {
      const found: unknown = Reflect.get(name in lies ? lies : target, name);
      return typeof found === 'function' && !(name in lies) ? (found as () => unknown).bind(target) : found;
    },
  });
}
