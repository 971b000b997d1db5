import { checksum } from '../../src/format/checksum.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import type { OpenedSnapshot } from '../../src/raft-log/snapshot-contract.js';
import { Finding } from './finding.js';
import {
  FRESH_STATE,
  isSameStable,
  type LogState,
  modelEntry,
  type ModelEntry,
  type ModelSnapshot,
} from './log-state.js';

/** All of the durable view that can be had without a wait. */
export interface SeenView {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Term of the index in front of the first. */
  readonly boundaryTerm: number;
  readonly hardState: LogState['hardState'];
  readonly stable: LogState['stable'];
  readonly snapshot: { readonly index: number; readonly term: number; readonly bytes: number } | null;
}

export function seeView(log: RaftLog): SeenView {
  const { firstIndex, lastIndex, lastTerm, hardState, snapshot } = log;
  const boundaryTerm = log.term(firstIndex - 1);
  return { firstIndex, lastIndex, lastTerm, boundaryTerm, hardState, stable: stableOf(log), snapshot };
}

export function stableOf({ stable }: Pick<RaftLog, 'stable'>): LogState['stable'] {
  if (stable.size === 0) return FRESH_STATE.stable;
  return new Map([...stable].map(([key, value]) => [key, Buffer.from(value).toString('hex')]));
}

/** Whether the view could be one of this state. */
export function isViewOf(view: SeenView, state: LogState): boolean {
  const { hardState, stable, snapshot, boundary, entries } = state;
  return (
    view.firstIndex === boundary.index + 1 &&
    view.lastIndex === boundary.index + entries.length &&
    view.lastTerm === (entries[entries.length - 1]?.term ?? boundary.term) &&
    view.boundaryTerm === boundary.term &&
    view.hardState.term === hardState.term &&
    view.hardState.vote === hardState.vote &&
    view.hardState.commit === hardState.commit &&
    isSameStable(view.stable, stable) &&
    view.snapshot?.index === snapshot?.index &&
    view.snapshot?.term === snapshot?.term &&
    view.snapshot?.bytes === snapshot?.bytes
  );
}

export function describeView({ firstIndex, lastIndex, lastTerm, hardState, snapshot }: SeenView): string {
  const taken = snapshot === null ? 'no snapshot' : `snapshot ${snapshot.index} of term ${snapshot.term}`;
  return `term ${hardState.term}, vote ${String(hardState.vote)}, commit ${hardState.commit}; indexes ${firstIndex}..${lastIndex}, last term ${lastTerm}; ${taken}`;
}

/** What a snapshot of this index and term held when its data was read before; null: read it (again). */
export type KnownSnapshot = (index: number, term: number) => ModelSnapshot | null;

/**
 * Reads a whole log: every entry, every term, the snapshot's data.
 *
 * @param known lets the data of a snapshot that was read before count as the same while what the log says of it is
 */
export async function observeLog(log: RaftLog, known: KnownSnapshot = () => null): Promise<LogState> {
  const { firstIndex, lastIndex } = log;
  const entries = await readAll(log, firstIndex, lastIndex + 1);
  let entriesHash = 0;
  for (const entry of entries) {
    entriesHash += entry.hash;
    const term = log.term(entry.index);
    if (term === entry.term) continue;
    throw new Finding({
      oracle: 'read',
      what: `term(${entry.index}) is ${term}, but the entry read there has term ${entry.term}`,
    });
  }
  const { term, vote, commit } = log.hardState;
  return {
    boundary: { index: firstIndex - 1, term: log.term(firstIndex - 1) },
    entries,
    entriesHash: entriesHash >>> 0,
    hardState: { term, vote, commit },
    stable: stableOf(log),
    snapshot: knownSnapshot(log, known) ?? (await observeSnapshot(log)),
  };
}

function knownSnapshot({ snapshot }: RaftLog, known: KnownSnapshot): ModelSnapshot | null {
  if (snapshot === null) return null;
  const { index, term, conf, bytes } = snapshot;
  const before = known(index, term);
  return before?.bytes === bytes && Buffer.compare(before.conf, conf) === 0 ? before : null;
}

async function readAll(log: RaftLog, from: number, until: number): Promise<ModelEntry[]> {
  if (from === until) return [];
  const read = await log.entries(from, until);
  const entries = asModelEntries(read, from);
  if (entries.length === until - from) return entries;
  throw new Finding({
    oracle: 'read',
    what: `entries(${from}, ${until}) without a bound returned ${entries.length} entries, expected ${until - from}`,
  });
}

/** Entries as read, which must follow on each other from `from` on. */
export function asModelEntries(read: readonly Entry[], from: number): ModelEntry[] {
  return read.map(({ index, term, kind, data }, at) => {
    if (index === from + at) return modelEntry(index, term, kind ?? 0, data);
    throw new Finding({ oracle: 'read', what: `an entry read at ${from + at} says its index is ${index}` });
  });
}

/** The newest snapshot, or the kept one at this index, its data streamed. */
export async function observeSnapshot(log: RaftLog, index?: number): Promise<ModelSnapshot | null> {
  const opened = await log.openSnapshot(index === undefined ? {} : { index });
  return opened === null ? null : observeOpened(opened);
}

/** A snapshot that was opened, its data streamed. */
export async function observeOpened(opened: OpenedSnapshot): Promise<ModelSnapshot> {
  const { index, term, conf, bytes } = opened.meta;
  let dataHash = 0;
  let read = 0;
  for await (const chunk of opened.data) {
    dataHash = checksum(chunk, dataHash);
    read += chunk.length;
  }
  if (read !== bytes)
    throw new Finding({
      oracle: 'read',
      what: `the snapshot at ${index} says ${bytes} bytes, its stream had ${read}`,
    });
  return { index, term, conf, bytes, dataHash };
}
