import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { Entry } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import {
  firstIndexOf,
  isSameSnapshot,
  isSameState,
  lastIndexOf,
  type LogState,
  type ModelEntry,
} from '../oracle/log-state.js';
import type { IssuedState } from '../oracle/allowed-states.js';
import { describeState } from '../oracle/describe-state.js';
import { asModelEntries, observeLog, observeSnapshot } from '../oracle/observe-log.js';
import type { OpBody, SaveOp } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { issueDrawn, judgeFailure } from './issue-save.js';
import { openOptions } from './open-options.js';
import type { Scene } from './scene.js';
import { settled } from './settled.js';
import { performCompact, performSnapshot } from './snapshot-ops.js';

/** Readers, one behind the other, that are opened while a writer goes on. */
const READERS_MAX = 4;

/** Reads a range of entries, whole or up to a bound of bytes: by turns of the durable view and, as nothing is queued, of the other. */
export async function performRead(scene: Scene, op: Extract<OpBody, { kind: 'read' }>): Promise<void> {
  const log = scene.openLog;
  const { firstIndex, lastIndex } = log;
  if (lastIndex < firstIndex) return;
  const from = firstIndex + Math.floor(op.share * (lastIndex + 1 - firstIndex));
  const until = Math.min(lastIndex + 1, from + op.count);
  const { bytesMax } = op;
  const view = op.count % 2 === 0 ? log : log.accepted;
  const inMemory = view.entriesInMemory(from, until, { bytesMax });
  const read = await tryRead(scene, () => view.entries(from, until, { bytesMax }));
  if (read === null) return;
  const entries = checkEntries(scene, read, from);
  if (inMemory !== null && checkEntries(scene, inMemory, from).length !== entries.length) {
    const what = `${scene.by} found ${inMemory.length} entries from ${from} on in memory, and read ${entries.length} within the same bound`;
    throw new Finding({ oracle: 'read', what });
  }
  const bytes = entries.reduce((sum, { data }) => sum + data.length, 0);
  const isTooMuch = entries.length > 1 && bytes > op.bytesMax;
  const { state } = scene.allowed.promised;
  const next = state.entries[from + entries.length - firstIndexOf(state)];
  const isShort = entries.length < until - from;
  const isTooLittle =
    entries.length === 0 || (isShort && next !== undefined && bytes + next.data.length <= op.bytesMax);
  if (!isTooMuch && !isTooLittle) return;
  const what = `entries(${from}, ${until}, ${op.bytesMax} bytes) returned ${entries.length} entries of ${bytes} bytes`;
  throw new Finding({ oracle: 'read', what });
}

/** Reads all of a view while saves are under way: it is that of some state between. */
export async function readBesideSaves(
  scene: Scene,
  shows: 'durable' | 'accepted' = 'durable',
): Promise<void> {
  const log = scene.openLog;
  const view = shows === 'durable' ? log : log.accepted;
  const { firstIndex } = log;
  const { lastIndex } = view;
  if (lastIndex < firstIndex) return;
  const before = scene.allowed.candidates();
  const { process } = scene;
  try {
    const read = await view.entries(firstIndex, lastIndex + 1);
    // What a process read at the moment of its death it tells nobody.
    if (!process.isAlive) return;
    scene.reach['read-beside-saves'] += 1;
    // A compaction meanwhile takes nothing from what was read before it.
    checkEntries(scene, read, firstIndex, before, true);
  } catch (error) {
    // What was dropped meanwhile cannot be read any more.
    if (isKeelsonError(error, 'KEELSON_UNAVAILABLE') || isKeelsonError(error, 'KEELSON_COMPACTED')) return;
    const finding = error instanceof Finding ? error : judgeFailure(scene, error, false);
    if (finding !== null) scene.found(finding);
  }
}

/** Reads, without a wait, what stands in the queue and nowhere else; {@link checkUntouched} looks at it again later. */
export function readQueued(scene: Scene): void {
  const { log } = scene;
  if (log === null || log.status !== 'open' || log.accepted.lastIndex <= log.lastIndex) return;
  const { accepted, lastIndex } = log;
  const read = accepted.entriesInMemory(lastIndex + 1, accepted.lastIndex + 1) ?? [];
  const entries = checkEntries(scene, read, lastIndex + 1);
  scene.reach['queue-read'] += 1;
  scene.handedOut = { read, entries };
  const other = read.find(({ index, term }) => accepted.term(index) !== term);
  if (other === undefined) return;
  const what = `accepted.term(${other.index}) is ${accepted.term(other.index)}, but the entry read there has term ${other.term}`;
  throw new Finding({ oracle: 'read', what });
}

/** What was handed out is the caller's, whatever becomes of the memory that it was read from. */
export function checkUntouched(scene: Scene): void {
  const { handedOut, by } = scene;
  if (handedOut === null) return;
  scene.handedOut = null;
  const { read, entries } = handedOut;
  const now = asModelEntries(read, entries[0]?.index ?? 0);
  const at = now.findIndex(({ hash }, place) => hash !== entries[place]?.hash);
  if (at < 0) return;
  const what = `behind ${by} entry ${entries[at]?.index}, read before, has other bytes than it had then`;
  throw new Finding({ oracle: 'read', what });
}

/**
 * Streams from some index to the end, perhaps while saves and a compaction go on behind one of its entries: then it shows
 * one state to its end, or says that what it read was replaced or dropped.
 */
export async function performStream(
  scene: Scene,
  op: Extract<OpBody, { kind: 'stream' }>,
  seed: number,
): Promise<void> {
  const log = scene.openLog;
  const { firstIndex, lastIndex } = log;
  const from = firstIndex + Math.floor(op.share * (lastIndex + 1 - firstIndex));
  const before = scene.allowed.candidates();
  const entries: Entry[] = [];
  const isMoved = op.beside !== undefined || op.compacts === true;
  const movedAfter = 1 + Math.floor((op.after ?? 0) * (lastIndex - from));
  const isWhole = await tryRead(scene, async () => {
    try {
      const stream =
        op.chunks === true ? log.streamChunks(from, lastIndex + 1) : log.stream(from, lastIndex + 1);
      for await (const read of stream) {
        const isBefore = entries.length < movedAfter;
        for (const entry of Array.isArray(read) ? read : [read]) entries.push(entry);
        if (isBefore && entries.length >= movedAfter && isMoved) await moveOn(scene, op, seed);
      }
      return true;
    } catch (error) {
      const isTold =
        isKeelsonError(error, 'KEELSON_UNAVAILABLE') || isKeelsonError(error, 'KEELSON_COMPACTED');
      if (!isMoved || !isTold) throw error;
      scene.reach['stream-told-of-change'] += 1;
      return false;
    }
  });
  if (entries.length === 0 && isWhole === null) return;
  if (isMoved && isWhole === true) scene.reach['streamed-beside-saves'] += 1;
  checkEntries(scene, entries, from, isMoved ? before : [], op.compacts === true);
  if (isWhole !== true || entries.length === lastIndex + 1 - from) return;
  const what = `stream(${from}, ${lastIndex + 1}) brought ${entries.length} entries`;
  throw new Finding({ oracle: 'read', what });
}

/** A compaction and saves behind it, while all there was is read: a segment may be used again once nobody reads it (D10). */
export async function compactBesideRead(
  scene: Scene,
  { share, saves = [], isQueued = false }: Extract<OpBody, { kind: 'compact' }>,
  seed: number,
): Promise<void> {
  const reading = readBesideSaves(scene);
  // One alone: what follows it is made for a state of which it is known what became of both.
  const first = isQueued ? saves.slice(0, 1) : [];
  const moving = moveOn(scene, { beside: first }, seed);
  if (scene.plan.config.queueBytesMax !== undefined) await settled();
  await performCompact(scene, share, !isQueued);
  await moving;
  await moveOn(scene, { beside: saves.slice(first.length) }, seed);
  await reading;
}

/**
 * What goes on beside a stream, a copy, or a reader of its own.
 *
 * @param isAlone nothing else is queued, with which it would fail (D7)
 */
export async function moveOn(
  scene: Scene,
  { beside = [], compacts = false }: { readonly beside?: readonly SaveOp[]; readonly compacts?: boolean },
  seed: number,
  isAlone = false,
): Promise<void> {
  for (const [at, op] of beside.entries()) await issueDrawn(scene, op, subSeed(seed, at), isAlone);
  if (compacts) await performCompact(scene, 1);
}

/** Streams a snapshot of those that are kept. */
export async function performReadSnapshot(scene: Scene, share = 0): Promise<void> {
  const { snapshots } = scene.openLog;
  const meta = snapshots[Math.floor(share * snapshots.length)];
  await checkNotThere(scene, (meta?.index ?? 0) + 1);
  const read = await tryRead(scene, async () => ({
    snapshot: await observeSnapshot(scene.openLog, meta?.index),
  }));
  if (read === null || scene.isOverBudget) return;
  const { snapshot } = read;
  if (meta !== undefined && meta.index !== snapshots[0]?.index) {
    scene.reach['older-snapshot-read'] += 1;
    if (snapshot !== null && scene.allowed.wasTaken(snapshot)) return;
  } else if (scene.allowed.candidates().some(({ state }) => isSameSnapshot(state.snapshot, snapshot))) return;
  throw new Finding({
    oracle: 'read',
    what: `${scene.by} streamed a snapshot that is none of those that could be`,
    expected: scene.allowed.lines(),
    found: JSON.stringify(snapshot === null ? null : { ...snapshot, conf: snapshot.conf.length }),
  });
}

/** What is not kept is not there, be there older and newer ones. */
async function checkNotThere(scene: Scene, index: number): Promise<void> {
  const log = scene.openLog;
  if (log.snapshots.some((kept) => kept.index === index)) return;
  const other = await tryRead(scene, () => log.openSnapshot({ index }));
  if (other === null) return;
  const what = `${scene.by} asked for the snapshot at ${index}, and was given that at ${other.meta.index}`;
  throw new Finding({ oracle: 'read', what, expected: ['null'] });
}

/**
 * Opens the store for reading beside its writer, which may go on meanwhile: it may show what was promised in this life, and
 * nothing else. Of a store that moves under it, it may say that it is busy, or that what it read was dropped (R10).
 */
export async function performBeside(
  scene: Scene,
  { saves, compacts = false }: Extract<OpBody, { kind: 'beside' }>,
  seed: number,
): Promise<void> {
  const { allowed } = scene;
  let isMoving = saves !== undefined;
  scene.isReadBeside = true;
  const move = async (): Promise<void> => {
    // First: what a reader finds gone, snapshots and segments, goes by these.
    if (compacts) {
      const snapshot = { kind: 'snapshot', share: 0.999, bytes: 300, chunks: 1, beside: [] } as const;
      await performSnapshot(scene, snapshot, seed);
      await performCompact(scene, 1);
    }
    await moveOn(scene, { beside: saves ?? [] }, seed);
    isMoving = false;
  };
  const read = async (): Promise<readonly LogState[]> => {
    const found: LogState[] = [];
    for (let reader = 0; reader === 0 || (isMoving && reader < READERS_MAX); reader += 1) {
      const seen = await readBeside(scene, saves !== undefined);
      if (seen === null) continue;
      const { state, promisedCount } = seen;
      found.push(state);
      // R10: what no mark proves it does not show; of a snapshot or a compaction the log may know before who asked for it.
      if (compacts || scene.isOverBudget) continue;
      if (allowed.wasPromised((known) => isSameState(known, state), promisedCount)) continue;
      throw alien(scene, 'a reader beside the writer shows what was not durable yet', state);
    }
    return found;
  };
  const [found] = await Promise.all([read(), move()]);
  scene.isReadBeside = false;
  if (found.length === 0 || scene.isOverBudget) return;
  scene.reach[saves === undefined ? 'read-beside-writer' : 'read-beside-moving-writer'] += 1;
  const other = found.find((state) => !allowed.wasEver((known) => isSameState(known, state)));
  if (other !== undefined)
    throw alien(scene, 'a reader beside the writer shows a state that the log never was in', other);
}

function alien(scene: Scene, what: string, state: LogState): Finding {
  return new Finding({
    oracle: 'read',
    what,
    expected: scene.allowed.lines(),
    found: describeState(state),
  });
}

/** What a reader shows, and how much was promised by the time that it was open. */
interface SeenBeside {
  readonly state: LogState;
  readonly promisedCount: number;
}

/** What a reader of its own shows; null if it failed as it may. */
async function readBeside(scene: Scene, isMoving: boolean): Promise<SeenBeside | null> {
  const options = { ...openOptions(scene, scene.process), readOnly: true, create: 'never' as const };
  return tryRead(scene, async () => {
    try {
      const reader = await openRaftLog(options);
      const { promisedCount } = scene.allowed;
      try {
        const state = await observeLog(reader);
        // R8: what was damaged meanwhile is named, and an older one shown.
        const isOlder = reader.recovery.snapshotFallback !== null && scene.isDamaged;
        return isOlder ? null : { state, promisedCount };
      } finally {
        await reader.close();
      }
    } catch (error) {
      if (!isMoving || !isToldOfMoving(error)) throw error;
      scene.reach['reader-told-of-moving'] += 1;
      return null;
    }
  });
}

function isToldOfMoving(error: unknown): boolean {
  if (isKeelsonError(error, 'KEELSON_COMPACTED')) return true;
  return isKeelsonError(error, 'KEELSON_READ_FAILED') && error.message.includes('is busy');
}

/** Null if the read failed as it may. */
export async function tryRead<T>(scene: Scene, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Finding) throw error;
    // A reader beside the writer may find the range moved on under it.
    if (error instanceof KeelsonError && error.code === 'KEELSON_LOCKED') throw error;
    const finding = judgeFailure(scene, error, false);
    if (finding !== null) throw finding;
    return null;
  }
}

export function checkEntries(
  scene: Scene,
  read: readonly Entry[],
  from: number,
  before: readonly IssuedState[] = [],
  mayBeDropped: boolean = false,
): ModelEntry[] {
  const entries = asModelEntries(read, from);
  if (scene.openLog.status === 'failed') scene.reach['read-while-latched'] += 1;
  const alien = entries.find((entry) => !scene.allowed.wasIssued(entry));
  if (alien !== undefined) {
    const what = `${scene.by} read entry ${alien.index} of term ${alien.term}, which was never saved so`;
    throw new Finding({ oracle: 'invented-bytes', what });
  }
  if (scene.isOverBudget) return entries;
  const possible = [...scene.allowed.candidates(), ...before];
  // What was dropped from the front behind its reading is in no state that came after.
  const differences = possible.map(({ state }) =>
    firstOther(state, mayBeDropped ? entries.filter(({ index }) => index > state.boundary.index) : entries),
  );
  if (differences.includes(undefined)) return entries;
  const found = possible
    .map(
      ({ by }, at) =>
        `entry ${differences[at]?.index}/${differences[at]?.term}, which the state of ${by} holds not so`,
    )
    .join('; ');
  const what = `${scene.by} read entries ${from}..${from + entries.length - 1} that are not those of any state that could be`;
  throw new Finding({ oracle: 'read', what, expected: scene.allowed.lines(), found });
}

/** The first entry that the state does not hold; undefined if it holds all of them. */
function firstOther(state: LogState, entries: readonly ModelEntry[]): ModelEntry | undefined {
  return entries.find(
    ({ index, hash }) =>
      index > lastIndexOf(state) || state.entries[index - firstIndexOf(state)]?.hash !== hash,
  );
}
