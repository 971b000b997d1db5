import { isKeelsonError } from '../../src/errors/index.js';
import type { AcceptedView, Entry, RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import { isSameHardState, isSameStable } from '../oracle/log-state.js';
import { describeView, isViewOf, seeView, type SeenView, stableOf } from '../oracle/observe-log.js';
import { checkEntries } from './read-ops.js';
import type { Scene } from './scene.js';

/** Holds what can be seen at once of the durable view against the allowed set. */
export function checkView(scene: Scene): void {
  const { log, allowed } = scene;
  if (log === null) return;
  const view = seeView(log);
  checkKept(scene, log);
  checkOwned(scene, log);
  checkNothingWaits(scene, log, view);
  // By turns: each reads all that is in memory, and a save that stays counted is counted at the next operation too.
  if (scene.disk.callCount % 2 === 0) checkInMemory(scene, log, 'read-in-memory');
  else {
    checkInMemory(scene, log.accepted, 'accepted-in-memory');
    checkCounted(scene, log);
  }
  if (allowed.see((state) => isViewOf(view, state))) return;
  throw new Finding({
    oracle: 'durable-view',
    what: `after ${scene.by} the durable view is none that could be`,
    expected: allowed.lines(),
    found: describeView(view),
  });
}

/** What is kept is told newest first, no more than was asked for, and the newest is the one that counts. */
function checkKept({ by, plan }: Scene, { snapshots, snapshot, status }: RaftLog): void {
  const indexes = snapshots.map(({ index }) => index);
  const isFalling = indexes.every((index, at) => at === 0 || index < (indexes[at - 1] ?? 0));
  // A log that has failed clears nothing away.
  const isTooMany = indexes.length > plan.config.snapshotsKept && status === 'open';
  if (isFalling && !isTooMany && indexes[0] === snapshot?.index) return;
  const what = `after ${by} the snapshots kept are said to be at ${indexes.join(', ')}, the newest at ${snapshot?.index}`;
  throw new Finding({ oracle: 'durable-view', what });
}

/** Bytes that a log hands out with its small values, by what hands them out. */
const HANDED_OUT: Readonly<Record<string, (log: RaftLog) => Uint8Array[]>> = {
  snapshot: ({ snapshot }) => (snapshot === null ? [] : [snapshot.conf]),
  snapshots: ({ snapshots }) => snapshots.map(({ conf }) => conf),
  stable: ({ stable }) => [...stable.values()],
  'accepted.stable': ({ accepted }) => [...accepted.stable.values()],
};

/** Returned bytes belong to the caller: what it does to them, nobody else sees. */
function checkOwned({ by }: Scene, log: RaftLog): void {
  for (const [name, handOut] of Object.entries(HANDED_OUT)) {
    const given = handOut(log);
    const before = given.map((bytes) => bytes.slice());
    for (const bytes of given) bytes.fill(0x5a);
    const now = handOut(log);
    if (before.every((bytes, at) => Buffer.compare(bytes, now[at] ?? new Uint8Array()) === 0)) continue;
    const what = `behind ${by} the bytes that '${name}' hands out are those that it handed out before, and who had them wrote over them`;
    throw new Finding({ oracle: 'durable-view', what });
  }
}

/** Behind an operation nothing is under way: no save is counted as waiting. */
function checkCounted({ by }: Scene, log: RaftLog): void {
  const { queuedSaves, queuedBytes } = log.stats();
  if (queuedSaves === 0 && queuedBytes === 0) return;
  const what = `behind ${by} nothing is under way, and ${queuedSaves} saves of ${queuedBytes} bytes are said to wait`;
  throw new Finding({ oracle: 'accepted-view', what });
}

/** Behind an operation nothing is under way: what is accepted is what is durable (D8). */
function checkNothingWaits({ by }: Scene, log: RaftLog, view: SeenView): void {
  const { lastIndex, lastTerm, hardState } = log.accepted;
  const isSame =
    lastIndex === view.lastIndex && lastTerm === view.lastTerm && isSameHardState(hardState, view.hardState);
  const isBegun = inMemory(log.accepted, view.firstIndex, view.firstIndex) !== null;
  if (isSame && isBegun && isSameStable(stableOf(log.accepted), view.stable)) return;
  throw new Finding({
    oracle: 'accepted-view',
    what: `behind ${by} nothing is under way, and what is accepted is not what is durable`,
    expected: [describeView(view)],
    found: describeView({ ...view, lastIndex, lastTerm, hardState }),
  });
}

/** What is in memory of a view is what the log holds: the whole of it, or its end if that alone is there. */
function checkInMemory(
  scene: Scene,
  view: RaftLog | AcceptedView,
  branch: 'read-in-memory' | 'accepted-in-memory',
): void {
  const { firstIndex, status } = scene.openLog;
  const { lastIndex } = view;
  if (status === 'closed') return;
  for (const from of [firstIndex, Math.max(firstIndex, lastIndex - 2)]) {
    const read = from > lastIndex ? null : inMemory(view, from, lastIndex + 1);
    if (read === null) continue;
    scene.reach[branch] += 1;
    checkEntries(scene, read, from);
    return;
  }
}

/** Null also where a compaction that is queued has dropped them from what is accepted. */
export function inMemory(
  view: RaftLog | AcceptedView,
  from: number,
  until: number,
  bytesMax: number = Infinity,
): Entry[] | null {
  try {
    return view.entriesInMemory(from, until, { bytesMax });
  } catch (error) {
    if (isKeelsonError(error, 'KEELSON_COMPACTED')) return null;
    throw error;
  }
}
