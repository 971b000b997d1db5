import type { RaftLog } from '../../src/raft-log/contract.js';
import type { IssuedState } from '../oracle/allowed-states.js';
import { replacedBy } from '../oracle/apply-save.js';
import type { LogState, ModelSnapshot } from '../oracle/log-state.js';
import type { OpBody, SaveOp } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { checkAllFreed, checkSnapshotFiles } from './check-cleared.js';
import { acknowledged, issueDrawn, judgeFailure, saveFailed } from './issue-save.js';
import type { Scene } from './scene.js';
import { pass } from './settled.js';
import { checkLetGo, checkSunk, checkTold, streamOf, type Taken } from './taken-snapshot.js';

type InstallOp = Extract<OpBody, { kind: 'install' }>;

/** Virtual milliseconds between two looks at what is queued: less than any call of a disk takes. */
const LOOK_MS = 0.01;
/** A call that hangs is not waited for. */
const LOOKS_MAX = 2000;

/**
 * Installs a snapshot that takes the log's place, perhaps with saves under way: what was queued before its record goes with
 * the log, and what is queued behind it goes on from the snapshot, before either is durable.
 */
export async function installReplacing(
  scene: Scene,
  { beside = [], behind = [] }: InstallOp,
  { snapshot, chunks }: Taken,
  seed: number,
): Promise<void> {
  const { allowed } = scene;
  const log = scene.openLog;
  const isFailed = log.status === 'failed';
  const after = (before: LogState): LogState => {
    const { commit } = before.hardState;
    return replacedBy(before, snapshot, { term: snapshot.term, vote: null, commit });
  };
  if (!isFailed) allowed.float(after, scene.by);
  const saving: Promise<void>[] = [];
  const left = beside.map(inTheTermThere);
  const next = (): void => {
    const op = left.shift();
    if (op !== undefined) saving.push(issueDrawn(scene, op, subSeed(seed, `beside ${left.length}`)));
  };
  const { index, term, conf } = snapshot;
  const data = streamOf(chunks, next);
  const installing = log.installSnapshot({ index, term, conf, data, hardState: { term } });
  let issued: IssuedState | null = null;
  const goOn = (): void => {
    // From here on it is a save like any other, and what is queued behind it shares its fate.
    allowed.sinkFloating();
    issued = allowed.issue(after(allowed.newest.state), scene.by);
    scene.noteControl(0);
    scene.reach['queued-behind-replacing-install'] += 1;
    for (const [at, op] of behind.entries())
      saving.push(issueDrawn(scene, op, subSeed(seed, `behind ${at}`)));
  };
  if (!isFailed && behind.length > 0 && scene.plan.config.queueBytesMax === undefined)
    await onceQueued(scene, log, installing, snapshot, goOn);
  let isTaken = false;
  try {
    await installing;
    if (issued !== null) acknowledged(scene, issued);
    else {
      // Its record may be in the reserve, behind saves that were queued while its data came.
      scene.noteControl(0);
      allowed.landFloating();
    }
    checkTold(scene, 'installedAt', index);
    checkSnapshotFiles(scene, log);
    scene.reach['snapshot-installed-replacing'] += 1;
    isTaken = true;
  } catch (error) {
    if (issued !== null) saveFailed(scene, log, issued, error, false);
    else if (await hasSunk(scene, log, error, isFailed)) await checkSunk(scene, log, index);
  }
  checkLetGo(scene, data, index);
  await Promise.all(saving);
  // Room comes back with the snapshot, but for what saves behind it have filled and left since.
  if (isTaken && issued === null) await checkAllFreed(scene, log);
}

/** A term raised meanwhile would refuse what comes from a leader of an older one. */
function inTheTermThere(op: SaveOp, at: number): SaveOp {
  return op.kind === 'values' ? op : { kind: 'append', count: 1 + at, bytes: 20, raise: 0 };
}

/** Runs `goOn` when the record of the snapshot is queued and not durable yet, if a look finds it so. */
async function onceQueued(
  scene: Scene,
  log: RaftLog,
  installing: Promise<unknown>,
  { index, term }: ModelSnapshot,
  goOn: () => void,
): Promise<void> {
  const { process } = scene;
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  installing.then(end, end);
  for (let looks = 0; looks < LOOKS_MAX && !isOver && process.isAlive && log.status === 'open'; looks++) {
    const { lastIndex, lastTerm } = log.accepted;
    if (lastIndex === index && lastTerm === term) {
      if (log.lastIndex !== index || log.lastTerm !== term) goOn();
      return;
    }
    await pass(scene, LOOK_MS);
  }
}

/** What failed is judged; true where its record does not exist. */
async function hasSunk(scene: Scene, log: RaftLog, error: unknown, wasFailed: boolean): Promise<boolean> {
  const finding = judgeFailure(scene, error, false);
  if (finding !== null) scene.found(finding);
  if (wasFailed || log.status === 'failed') return false;
  scene.allowed.sinkFloating();
  return true;
}
