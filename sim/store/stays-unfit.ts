import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';

/** Entries that a log is given again at most, so that it is as long as it once was. */
const GIVEN_AGAIN_MAX = 40;

/** A store that may have forgotten what it acknowledged. */
export interface UnfitStore {
  readonly open: () => Promise<RaftLog>;
  /** Makes a clone of it, while `log` is open, and opens that. */
  readonly clone: (log: RaftLog) => Promise<RaftLog>;
  readonly segmentBytes: number;
}

/**
 * A log that may have forgotten what it acknowledged helps to elect nobody until its commit has come up: however long it
 * is by then, also where the segment that said so is gone, and in a copy of it. Returns what is otherwise, or null. Closes
 * what it opens.
 */
export async function whyFitTooEarly({ open, clone, segmentBytes }: UnfitStore): Promise<string | null> {
  let log = await open();
  try {
    const until = log.unfitUntil;
    if (until === 0) return null;
    // A segment of its own: the next preamble is all that says it, once those before are dropped.
    await append(log, 1, segmentBytes);
    if (log.lastIndex < until) await dropAll(log);
    await log.close();
    log = await open();
    return (
      (await whyFit(log, until, 'behind a rotation')) ??
      (await whyFitIn(await clone(log), until)) ??
      (await whyFitOnceLong(log, until))
    );
  } finally {
    await log.close();
  }
}

async function whyFitIn(clone: RaftLog, until: number): Promise<string | null> {
  try {
    return await whyFit(clone, until, 'in a clone');
  } finally {
    await clone.close();
  }
}

async function append(log: RaftLog, count: number, bytes: number): Promise<void> {
  const { term } = log.hardState;
  const from = log.lastIndex + 1;
  await log.append(
    Array.from({ length: count }, (_, at) => ({ index: from + at, term, data: new Uint8Array(bytes) })),
  );
}

async function dropAll(log: RaftLog): Promise<void> {
  const { lastIndex } = log;
  await log.createSnapshot({ index: lastIndex, conf: new Uint8Array(), data: new Uint8Array(8) });
  await log.compact(lastIndex);
}

async function whyFitOnceLong(log: RaftLog, until: number): Promise<string | null> {
  const missing = until - log.lastIndex;
  if (missing > GIVEN_AGAIN_MAX) return null;
  if (missing > 0) await append(log, missing, 1);
  const why = await whyFit(log, until, 'with as many entries as it had');
  if (why !== null) return why;
  const committing = log.save({ hardState: { commit: until } });
  const isEarly = log.unfitUntil !== until;
  await committing;
  if (isEarly) return `the log is fit to vote before the commit of ${until} is durable`;
  return log.unfitUntil === 0
    ? null
    : `the log stays unfit until ${log.unfitUntil} behind a commit of ${until}`;
}

async function whyFit(log: RaftLog, until: number, when: string): Promise<string | null> {
  if (log.unfitUntil !== until) return `${when} the log is unfit until ${log.unfitUntil}, expected ${until}`;
  try {
    await log.save({ hardState: { term: log.hardState.term + 1, vote: 'late' } });
  } catch (error) {
    if (isKeelsonError(error, 'KEELSON_UNFIT_TO_VOTE')) return null;
    throw error;
  }
  return `${when} the log votes, though it is unfit until ${until}`;
}
