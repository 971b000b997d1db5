import type { Entry, RaftLog } from '../../../src/index.js';
import type { PlannedSave } from './announcement.js';
import type { ExpectedLog } from './expected-log.js';
import { RangeReport } from './range-report.js';
import type { Text } from './text.js';
import type { ExpectedSnapshot, Witness } from './witness.js';

/** What a reopened log was found to be. */
export interface Judgement {
  /** What is wrong, each line naming its entries; empty if nothing is. */
  readonly problems: readonly string[];
  /** Saves that were begun, not acknowledged, and are there: allowed, and whole. */
  readonly savesBeyond: number;
}

/**
 * Holds a reopened log against what the witness heard. Allowed: everything acknowledged, and behind it whole
 * saves that had been begun, in their order, as far as they reach. Nothing less, nothing else, no half of one.
 * If it is allowed, the witness takes it for what is there from now on.
 */
export async function judgeRecovery(log: RaftLog, witness: Witness, text: Text): Promise<Judgement> {
  const found = await readFound(log);
  const best = closestAllowed(found, witness, text);
  const boundary = judgeBoundary(found, witness);
  const snapshot = await judgeSnapshot(log, witness, best.log);
  const problems = [...best.problems, ...boundary, ...snapshot.problems];
  if (problems.length === 0) witness.settle(best.log, snapshot.found, found.firstIndex - 1);
  return { problems, savesBeyond: best.savesBeyond };
}

interface Found {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly hardState: string;
  /** Entry `i` at `i - firstIndex`. */
  readonly entries: readonly Entry[];
}

async function readFound(log: RaftLog): Promise<Found> {
  const { firstIndex, lastIndex, hardState } = log;
  const entries: Entry[] = [];
  for await (const entry of log.stream(firstIndex, lastIndex + 1)) entries.push(entry);
  return { firstIndex, lastIndex, hardState: describeHardState(hardState), entries };
}

function describeHardState(state: { term: number; vote: string | null; commit: number }): string {
  return `term ${state.term}, vote ${state.vote ?? 'none'}, commit ${state.commit}`;
}

interface Candidate {
  readonly log: ExpectedLog;
  readonly savesBeyond: number;
  readonly problems: readonly string[];
}

/** The allowed log that is nearest to what was found: the one without problems, if there is one. */
function closestAllowed(found: Found, witness: Witness, text: Text): Candidate {
  let log = witness.acked;
  let best: Candidate = { log, savesBeyond: 0, problems: differences(found, log, text) };
  let bestWrong = best.problems.length;
  const issued: readonly PlannedSave[] = witness.issued;
  for (let n = 0; n < issued.length && bestWrong > 0; n++) {
    log = log.clone();
    log.apply(issued[n]!);
    const problems = differences(found, log, text);
    if (problems.length < bestWrong) {
      best = { log, savesBeyond: n + 1, problems };
      bestWrong = problems.length;
    }
  }
  return best;
}

/** What is wrong with the log that was found, if it should be `expected`. */
function differences(found: Found, expected: ExpectedLog, text: Text): string[] {
  const report = new RangeReport();
  const last = Math.max(found.lastIndex, expected.lastIndex);
  for (let index = found.firstIndex; index <= last; index++) {
    const entry = found.entries[index - found.firstIndex];
    if (index > expected.lastIndex) report.add(index, 'invented: never issued there');
    else if (entry === undefined) report.add(index, 'missing, though acknowledged');
    else if (!isAsExpected(entry, index, expected, text)) report.add(index, 'changed since acknowledged');
  }
  const problems = report.lines();
  const hardState = describeHardState(expected.hardState);
  if (found.hardState !== hardState) {
    problems.push(`hard state is ${found.hardState}; acknowledged was ${hardState}`);
  }
  return problems;
}

function isAsExpected(entry: Entry, index: number, expected: ExpectedLog, text: Text): boolean {
  const { term, kind, data } = expected.entry(index, text);
  return (
    entry.index === index &&
    entry.term === term &&
    entry.kind === kind &&
    Buffer.compare(entry.data, data) === 0
  );
}

function judgeBoundary(found: Found, witness: Witness): string[] {
  const { acked, issued } = witness.boundary;
  const boundary = found.firstIndex - 1;
  if (boundary === acked || boundary === issued) return [];
  const also = issued === null ? '' : ` or ${issued}`;
  return [`entries up to ${boundary} are compacted; asked for was ${acked}${also}`];
}

async function judgeSnapshot(
  log: RaftLog,
  witness: Witness,
  expected: ExpectedLog,
): Promise<{ problems: string[]; found: ExpectedSnapshot | null }> {
  const { acked, issued } = witness.snapshot;
  const opened = await log.openSnapshot();
  if (opened === null) {
    if (acked === null) return { problems: [], found: null };
    return { problems: [`the snapshot of entries 1..${acked.index} is missing`], found: null };
  }
  const { meta } = opened;
  const data: Uint8Array[] = [];
  for await (const chunk of opened.data) data.push(chunk);
  const allowed = [acked, issued].find((one) => one !== null && one.index === meta.index) ?? null;
  const of = `the snapshot of entries 1..${meta.index}`;
  if (allowed === null) return { problems: [`${of} was never asked for, or is older than one`], found: null };
  const problems: string[] = [];
  if (meta.term !== expected.term(meta.index)) problems.push(`${of} has term ${meta.term}, another one`);
  if (Buffer.compare(Buffer.concat(data), allowed.data) !== 0)
    problems.push(`${of} has changed since it was made`);
  return { problems, found: allowed };
}
