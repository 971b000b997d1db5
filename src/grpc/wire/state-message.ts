import type { RaftLog } from '../../raft-log/contract.js';
import { DurableState } from '../../raft-log/state/durable-state.js';
import type { HardState, LogState, TermRun } from '../generated/keelson/v1/raft_log.js';

/** What a log holds, as it travels. */
export function stateMessage(log: RaftLog, termRuns: readonly TermRun[], lsn: number): LogState {
  const { firstIndex, lastIndex, hardState, stable, snapshots, unfitUntil } = log;
  return {
    firstIndex,
    lastIndex,
    termRuns,
    hardState: hardStateMessageOf(hardState),
    stable: new Map(stable),
    snapshots,
    lsn,
    unfitUntil: unfitUntil === 0 || unfitUntil === Infinity ? undefined : unfitUntil,
    unfitUnbounded: unfitUntil === Infinity,
  };
}

/** A whole hard state as it travels. */
export function hardStateMessageOf(hardState: RaftLog['hardState']): HardState {
  return { ...hardState, vote: hardState.vote ?? undefined };
}

/** Scopes of checkpoints, by their numbers on the wire; 0 is one that was left out. */
export const CHECKPOINT_SCOPES = ['durable', 'durable', 'all'] as const;

/** The same state, for a log of this process to stand on. */
export function durableStateOf(message: LogState): DurableState {
  const { firstIndex, lastIndex, termRuns, unfitUntil, unfitUnbounded } = message;
  const durable = new DurableState(null);
  const hardState = hardStateOf(message.hardState);
  const boundary = { index: firstIndex - 1, term: termRuns[0]?.term ?? 0 };
  const none = { keepUntil: firstIndex, entryCount: 0, terms: 0, hardState };
  durable.apply({ ...none, resetTo: boundary });
  termRuns.forEach((run, at) => {
    const from = Math.max(run.index, firstIndex);
    const until = termRuns[at + 1]?.index ?? lastIndex + 1;
    if (until > from)
      durable.apply({ keepUntil: from, entryCount: until - from, terms: run.term, hardState });
  });
  for (const meta of message.snapshots.toReversed()) {
    const { index, term } = meta;
    const conf = Uint8Array.from(meta.conf);
    const snapshot = { ref: { index, term, checksum: 0 }, meta: Object.freeze({ ...meta, conf }) };
    durable.apply({ ...none, keepUntil: lastIndex + 1, snapshot });
  }
  durable.stable = new Map([...message.stable].map(([key, value]) => [key, value.slice()]));
  durable.unfitUntil = unfitUnbounded ? Infinity : (unfitUntil ?? 0);
  return durable;
}

/** A hard state that may have been left out, as a fresh one is. */
export function hardStateOf(message: HardState | undefined): RaftLog['hardState'] {
  const { term = 0, vote, commit = 0 } = message ?? {};
  return Object.freeze({ term, vote: vote ?? null, commit });
}
