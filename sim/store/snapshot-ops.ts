import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { withSnapshot } from '../oracle/apply-save.js';
import type { IssuedState } from '../oracle/allowed-states.js';
import { Finding } from '../oracle/finding.js';
import { lastIndexOf, lastTermOf, type LogState, termAt, withBoundary } from '../oracle/log-state.js';
import type { OpBody, SaveOp, SnapshotBreak } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { checkAllFreed, checkSnapshotFiles } from './check-cleared.js';
import { installReplacing } from './install-replacing.js';
import { acknowledged, issueSave, judgeFailure, saveFailed } from './issue-save.js';
import { makeSave } from './make-save.js';
import type { Branch } from './reach.js';
import type { Scene } from './scene.js';
import { SnapshotsInLine } from './snapshots-in-line.js';
import {
  checkLetGo,
  checkSunk,
  checkTold,
  cuttingNothing,
  makeSnapshot,
  streamOf,
  type Taken,
} from './taken-snapshot.js';

type SnapshotOp = Extract<OpBody, { kind: 'snapshot' }>;
type InstallOp = Extract<OpBody, { kind: 'install' }>;

/** Takes a snapshot of the state at some index, while saves that do not disturb it go on. */
export async function performSnapshot(scene: Scene, op: SnapshotOp, seed: number): Promise<void> {
  if (op.breaks !== undefined) await breakOff(scene, op, op.breaks, seed);
  const { allowed } = scene;
  const { state } = allowed.newest;
  const lowest = Math.max(state.snapshot?.index ?? 0, state.boundary.index - 1, 0) + 1;
  const last = lastIndexOf(state);
  if (lowest > last) return;
  const share = op.breaks === undefined ? op.share : 0.999;
  const index = lowest + Math.floor(share * (last + 1 - lowest));
  const taken = makeSnapshot(index, termAt(state, index) ?? 0, op, seed);
  const beside = besideOf(scene, op.beside, seed);
  const log = scene.openLog;
  const isFailed = log.status === 'failed';
  if (!isFailed) allowed.float((before) => withSnapshot(before, taken.snapshot), scene.by);
  const { conf } = taken.snapshot;
  const inLine = new SnapshotsInLine(scene, log, index);
  const data = streamOf(taken.chunks, beside.next);
  const taking = log.createSnapshot({ index, conf, data });
  if (op.queues === true) inLine.begin(data);
  await settleFloating(scene, log, taking, isFailed, 'snapshot-created', index);
  await inLine.end();
  checkLetGo(scene, data, index);
  if (beside.count > 0) scene.reach['saved-beside-snapshot'] += 1;
  await beside.all();
}

/** Begins a snapshot that comes to nothing: it counts nowhere, and one of its index and term can be taken behind it. */
async function breakOff(scene: Scene, op: SnapshotOp, how: SnapshotBreak, seed: number): Promise<void> {
  const log = scene.openLog;
  const { allowed } = scene;
  const { state } = allowed.newest;
  const index = lastIndexOf(state);
  const term = termAt(state, index) ?? 0;
  if (index <= Math.max(state.hardState.commit, state.snapshot?.index ?? 0, state.boundary.index)) return;
  if (log.status !== 'open' || scene.plan.config.queueBytesMax !== undefined) return;
  const { snapshot, chunks } = makeSnapshot(index, term, op, seed);
  const givenUp = new AbortController();
  const broken = new Error('the data of this snapshot ends here');
  const cut: Promise<void>[] = [];
  const end = (): void => {
    if (how === 'data-fails') throw broken;
    if (how === 'given-up') givenUp.abort();
    else cut.push(issueSave(scene, { truncateFrom: index }));
  };
  // A cut that fails leaves the entry where it was.
  allowed.float(
    (before) => (termAt(before, index) === term ? withSnapshot(before, snapshot) : before),
    scene.by,
  );
  try {
    const data = streamOf(chunks, () => undefined, end);
    await log.createSnapshot({ index, conf: snapshot.conf, data, signal: givenUp.signal });
    allowed.landFloating();
    if (how !== 'index-gone' || termAt(allowed.newest.state, index) !== term) {
      const what = `${scene.by} broke off a snapshot at ${index} (${how}), and it was taken`;
      scene.found(new Finding({ oracle: 'durable-view', what }));
    }
  } catch (error) {
    if (log.status === 'open') allowed.sinkFloating();
    const isTold =
      error === broken ||
      (how === 'given-up' && isKeelsonError(error, 'KEELSON_ABORTED')) ||
      (how === 'index-gone' && isKeelsonError(error, 'KEELSON_UNAVAILABLE'));
    if (isTold) scene.reach['snapshot-broken-off'] += 1;
    const finding = isTold ? null : judgeFailure(scene, error, false);
    if (finding !== null) scene.found(finding);
  }
  await Promise.all(cut);
  if (how !== 'index-gone' || log.status !== 'open') return;
  const again = { kind: 'append', count: 1, bytes: 20, raise: 0 } as const;
  await issueSave(scene, makeSave(again, allowed.newest.state, seed));
}

/** Installs a snapshot as from a leader: one that keeps the log, or one that replaces it. */
export async function performInstall(scene: Scene, op: InstallOp, seed: number): Promise<void> {
  if (op.held === true && (await installHeld(scene, op, seed))) return;
  const { state } = scene.allowed.newest;
  const lowest = Math.max(state.snapshot?.index ?? 0, state.boundary.index) + 1;
  const last = lastIndexOf(state);
  if (op.keeps && lowest <= last) {
    const index = lowest + Math.floor(op.share * (last + 1 - lowest));
    const beside = besideOf(scene, op.beside ?? [], seed);
    await installKeeping(scene, makeSnapshot(index, termAt(state, index) ?? 0, op, seed), beside);
    return;
  }
  const open = Math.max(lowest, state.hardState.commit + 1);
  const conflicts = op.share < 0.5 && open <= last;
  const index = conflicts ? open + Math.floor(op.share * 2 * (last + 1 - open)) : last + 1 + op.ahead;
  // Above that of entries saved beside it, which are of term 1 at least.
  const term = Math.max(state.hardState.term, lastTermOf(state), 1) + 1;
  await installReplacing(scene, op, makeSnapshot(Math.max(index, lowest), term, op, seed), seed);
}

/** Installs what is held, and so changes nothing; false if nothing is. */
async function installHeld(scene: Scene, op: InstallOp, seed: number): Promise<boolean> {
  const log = scene.openLog;
  const held = log.snapshot;
  if (held === null) return false;
  const { index, term } = held;
  if (op.ahead % 3 === 0) await installOutOfDate(scene, log, index, op.share < 0.5 ? term : term + 1);
  const { snapshot, chunks } = makeSnapshot(index, term, op, seed);
  const { conf } = snapshot;
  const before = scene.allowed.newest;
  // Who sent it relies on the term that came with it.
  const hardState = op.share < 0.5 ? { term: before.state.hardState.term + 1 } : undefined;
  const data = streamOf(chunks);
  const installing = { index, term, conf, data, ...(hardState && { hardState }) };
  const issued =
    hardState === undefined || log.status === 'failed'
      ? null
      : scene.allowed.issue(withTerm(before.state, hardState.term), scene.by);
  try {
    const meta = await log.installSnapshot(installing);
    scene.noteControl(0);
    checkLetGo(scene, data, index);
    scene.reach['snapshot-held-already'] += 1;
    if (issued !== null) acknowledged(scene, issued);
    if (meta.bytes === held.bytes && Buffer.compare(meta.conf, held.conf) === 0) return true;
    const what = `${scene.by} installed the snapshot at ${index} that is held, and it became another`;
    scene.found(new Finding({ oracle: 'durable-view', what }));
  } catch (error) {
    saveFailed(scene, log, issued, error, false);
  }
  return true;
}

/** One that is older than what is held, or of its index and not it, is refused, and its data let go unread. */
async function installOutOfDate(scene: Scene, log: RaftLog, held: number, term: number): Promise<void> {
  const index = term === log.snapshot?.term ? held - 1 : held;
  if (index < 1) return;
  const data = streamOf([new Uint8Array(9)]);
  try {
    await log.installSnapshot({ index, term, conf: new Uint8Array(), data, hardState: { term } });
  } catch (error) {
    checkLetGo(scene, data, index);
    if (isKeelsonError(error, 'KEELSON_SNAPSHOT_OUT_OF_DATE')) return;
    if (isKeelsonError(error, 'KEELSON_FAILED')) return;
    throw error;
  }
  const what = `${scene.by} installed a snapshot at ${index} of term ${term} over that at ${held}`;
  throw new Finding({ oracle: 'refusal', what, expected: ['a refusal with KEELSON_SNAPSHOT_OUT_OF_DATE'] });
}

function withTerm(state: LogState, term: number): LogState {
  return { ...state, hardState: { ...state.hardState, term, vote: null } };
}

async function installKeeping(scene: Scene, { snapshot, chunks }: Taken, beside: Beside): Promise<void> {
  const log = scene.openLog;
  const isFailed = log.status === 'failed';
  if (!isFailed) scene.allowed.float((before) => withSnapshot(before, snapshot), scene.by);
  const { index, term, conf } = snapshot;
  await settleFloating(
    scene,
    log,
    log.installSnapshot({ index, term, conf, data: streamOf(chunks, beside.next) }),
    isFailed,
    'snapshot-installed-keeping',
    index,
  );
  await beside.all();
}

/** Waits for a snapshot whose record may land anywhere among the saves beside it. */
async function settleFloating(
  scene: Scene,
  log: RaftLog,
  taking: Promise<unknown>,
  wasFailed: boolean,
  branch: Branch,
  index: number,
): Promise<void> {
  const { allowed } = scene;
  try {
    await taking;
    // Its record may be in the reserve, behind saves that were queued while its data came.
    scene.noteControl(0);
    allowed.landFloating();
    checkTold(scene, branch === 'snapshot-created' ? 'snapshotAt' : 'installedAt', index);
    checkSnapshotFiles(scene, log);
    scene.reach[branch] += 1;
  } catch (error) {
    const finding = judgeFailure(scene, error, false);
    if (finding !== null) scene.found(finding);
    if (wasFailed || log.status === 'failed') return;
    allowed.sinkFloating();
    await checkSunk(scene, log, index);
  }
}

/**
 * Drops entries that the snapshot covers.
 *
 * @param isAlone no save is queued before it, with which it would fail (D7)
 */
export async function performCompact(scene: Scene, share: number, isAlone = true): Promise<void> {
  const { allowed } = scene;
  const log = scene.openLog;
  const before = allowed.newest;
  const { snapshot, boundary } = before.state;
  if (snapshot === null) return;
  const upTo = boundary.index + Math.round(share * Math.max(0, snapshot.index - boundary.index));
  const isEmpty = upTo <= boundary.index;
  const isFailed = log.status === 'failed';
  const issued: IssuedState | null = isFailed
    ? null
    : isEmpty
      ? before
      : allowed.issue(withBoundary(before.state, upTo), scene.by);
  const isReserved = !isEmpty && !isFailed && scene.noteControl(0) && isAlone;
  try {
    await log.compact(upTo);
    if (issued !== null) acknowledged(scene, issued);
    if (!isEmpty) checkTold(scene, 'compactedTo', upTo);
    if (isAlone) await checkAllFreed(scene, log);
    if (!isEmpty) scene.reach.compacted += 1;
    if (!isEmpty && scene.isFull) scene.reach['compacted-on-full-disk'] += 1;
  } catch (error) {
    saveFailed(scene, log, isEmpty ? null : issued, error, isReserved);
  }
}

interface Beside {
  readonly count: number;
  readonly next: () => void;
  readonly all: () => Promise<unknown>;
}

/** Saves that are issued while a snapshot's data streams. */
function besideOf(scene: Scene, ops: readonly SaveOp[], seed: number): Beside {
  const issued: Promise<void>[] = [];
  const left = ops.map(cuttingNothing);
  const next = (): void => {
    const op = left.shift();
    if (op === undefined) return;
    const own = subSeed(seed, `beside ${left.length}`);
    issued.push(issueSave(scene, makeSave(op, scene.allowed.newest.state, own)));
  };
  return { count: ops.length, next, all: () => Promise.all(issued) };
}
