import { KeelsonError } from '../../src/errors/index.js';
import { SUPERBLOCK_NAME } from '../../src/format/names.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { RecoveryReport } from '../../src/wal/report/recovery-report.js';
import { Fingerprint } from '../disk/image/fingerprint.js';
import { findNode } from '../disk/image/paths.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding } from '../oracle/finding.js';
import { judgeStalled } from '../oracle/judge-stalled.js';
import type { LogState } from '../oracle/log-state.js';
import { type KnownSnapshot, observeLog } from '../oracle/observe-log.js';
import { forgettable } from '../oracle/order-watch.js';
import { checkTail, checkTailCopies } from '../oracle/tail-on-platter.js';
import { checkAllFreed, checkSnapshotFiles } from './check-cleared.js';
import { Heard } from './heard.js';
import { falseAlarm, judgeFailure, withoutCause } from './issue-save.js';
import { openOptions } from './open-options.js';
import { noteOpenCall } from './reach.js';
import { MOVED_DIR, type Scene } from './scene.js';

/**
 * Opens the store in `process`, reads all of it, and holds it against the allowed set. False if the open failed
 * as it may, and is to be tried again; true if it is open, or if the scenario has ended with damage that was named.
 */
export async function openStore(scene: Scene, process: SimulatedProcess, readsAll = false): Promise<boolean> {
  const { faults } = scene;
  faults.suffered.failures = 0;
  scene.cutShortBefore = scene.disk.counters['overwrite-cut-short'];
  faults.suffered.shortages = 0;
  faults.suffered.failedSyncs.clear();
  faults.watch = (call) => {
    noteOpenCall(scene.reach, call);
  };
  const damageBefore = faults.suffered.damage;
  scene.doing = 'opening';
  let log: RaftLog;
  try {
    const verifyOnOpen = readsAll ? 'all' : 'tail';
    log = await openRaftLog({ ...openOptions(scene, process), verifyOnOpen });
  } catch (error) {
    // Damage in the midst of an open may be met behind its judgement; the next open says what later ones must say.
    const isNew = faults.suffered.damage > damageBefore;
    if (isNew && error instanceof KeelsonError && error.family === 'damage') return false;
    return await judgeOpenError(scene, process, error, readsAll);
  } finally {
    faults.watch = null;
    scene.doing = 'writing';
  }
  noteRecovery(scene, log);
  if (log.status !== 'open')
    throw new Finding({
      oracle: 'not-latched',
      what: `${scene.by} has resolved to a log that is ${log.status}`,
    });
  // A writer that lost its lock and lives on may have something under way at the tail.
  if (!scene.isDamaged && !scene.hasLostLock) checkPlatter(scene, log.recovery);
  listen(scene, log);
  scene.wasOpened = true;
  const found = await observe(scene, log);
  if (found === null) {
    scene.hasEnded = true;
    return true;
  }
  const { trace } = scene.disk;
  if (trace.keepsLines) trace.line(`${scene.by} shows ${describeState(found)}`, { kind: 'open' });
  settle(scene, found, log.recovery.snapshotFallback);
  if (found.snapshot !== null) scene.readSnapshots.add(`${found.snapshot.index}/${found.snapshot.term}`);
  scene.process = process;
  scene.log = log;
  checkSnapshotFiles(scene, log);
  await checkAllFreed(scene, log);
  return true;
}

/** What an open that has resolved rests on is on the platter. */
function checkPlatter(
  { disk, dir, walDir, by }: Scene,
  { lastLsn, epoch, quarantined }: RecoveryReport,
): void {
  checkTail(disk, walDir, lastLsn, by);
  checkTailCopies(disk, quarantined, by);
  const what = forgettable(disk.fs, `${dir}/${SUPERBLOCK_NAME}`, epoch);
  if (what !== null) throw new Finding({ oracle: 'too-early', what: `${by} has resolved, but ${what}` });
}

function noteRecovery(scene: Scene, log: RaftLog): void {
  const { reach } = scene;
  const { verdict, cut, quarantined, rebuilt } = log.recovery;
  if (verdict === 'fresh') reach[scene.by === 'the first open' ? 'opened-fresh' : 'store-remade'] += 1;
  if (verdict === 'clean') reach['opened-clean'] += 1;
  if (verdict === 'torn-tail') reach['opened-torn-tail'] += 1;
  if (cut !== null) reach['tail-cut'] += 1;
  if (quarantined.length > 0) reach['tail-quarantined'] += 1;
  if (rebuilt.length > 0) reach['slot-rebuilt'] += 1;
  if (scene.isFull) reach['opened-on-full-disk'] += 1;
  if (scene.dir === MOVED_DIR) reach['opened-where-moved-to'] += 1;
  const gone = quarantined.find((path) => findNode(scene.disk.fs, path, 'stat') === undefined);
  if (gone !== undefined || (cut !== null) !== (verdict === 'torn-tail')) {
    const what = `${scene.by} says '${verdict}', cut ${JSON.stringify(cut)}, and that what is set aside lies in ${quarantined.join(' ')}`;
    throw new Finding({ oracle: 'recovered-state', what });
  }
  if (!scene.wasOpened || verdict !== 'fresh' || scene.isOverBudget) return;
  const what = `${scene.by} found a store to be fresh that had been open before`;
  throw new Finding({ oracle: 'recovered-state', what, expected: scene.allowed.lines() });
}

function listen(scene: Scene, log: RaftLog): void {
  const { reach } = scene;
  scene.heard.set(log, new Heard(log));
  log.events.on('rotate', ({ recycled }) => {
    reach.rotated += 1;
    scene.noteRotation();
    if (recycled) reach['segment-recycled'] += 1;
  });
  log.events.on('compacted', ({ upTo }) => {
    scene.told.compactedTo = upTo;
  });
  log.events.on('snapshot', ({ meta, installed }) => {
    scene.told[installed ? 'installedAt' : 'snapshotAt'] = meta.index;
  });
  log.events.on('space-back', () => {
    reach['space-back'] += 1;
  });
  log.events.on('stalled', (call) => {
    reach.stalled += 1;
    judgeStalled(log, call, (what) => {
      scene.found(new Finding({ oracle: 'failed-without-cause', what }));
    });
  });
  log.events.on('failed', (error) => {
    if (scene.hasOnlyShortages) scene.found(latchedForShortage(scene, error));
  });
  listenInOrder(scene, log);
}

/** What happens is told once, in order, and not before the log shows it. */
function listenInOrder(scene: Scene, log: RaftLog): void {
  const lastOf = new Map<string, number>();
  const told = (event: string, number: number, shown: number): void => {
    const before = lastOf.get(event) ?? -1;
    lastOf.set(event, number);
    if (number > before && number <= shown) return;
    const what = `in ${scene.by} '${event}' tells of ${number}, having told of ${before}, and the log shows ${shown}`;
    scene.found(new Finding({ oracle: 'events', what }));
  };
  log.events.on('sync', ({ lsn }) => {
    told('sync', lsn, Infinity);
  });
  log.events.on('rotate', ({ number }) => {
    told('rotate', number, Infinity);
  });
  log.events.on('compacted', ({ upTo }) => {
    told('compacted', upTo, log.firstIndex - 1);
  });
  log.events.on('snapshot', ({ meta }) => {
    told('snapshot', meta.index, log.snapshot?.index ?? -1);
  });
  log.events.on('failed', () => {
    told('failed', 0, log.status === 'failed' ? 0 : -1);
  });
}

/** Without a descriptor nothing is done, so nothing that was promised can be in doubt. */
function latchedForShortage(scene: Scene, error: KeelsonError): Finding {
  const what = `${scene.by} latched the log, though nothing but descriptors was lacking: ${error.message}`;
  return new Finding({ oracle: 'latched-for-a-shortage', what, found: error.code, cause: error });
}

function settle(scene: Scene, found: LogState, fallback: RecoveryReport['snapshotFallback']): void {
  const { allowed, reach } = scene;
  if (scene.isOverBudget) {
    const alien = found.entries.find((entry) => !allowed.wasIssued(entry));
    if (alien === undefined) {
      allowed.adopt(found);
      return;
    }
    const what = `${scene.by} recovered entry ${alien.index} of term ${alien.term}, which was never saved so`;
    throw new Finding({ oracle: 'invented-bytes', what });
  }
  if (fallback !== null && !scene.isDamaged) {
    const what = `${scene.by} shows an older snapshot, though nothing was damaged: ${fallback.lost.reason}`;
    throw new Finding({ oracle: 'false-alarm', what });
  }
  if (fallback !== null) reach['older-snapshot-stood-in'] += 1;
  const wasOpen = !allowed.isSettled;
  const newest = allowed.newest.state;
  allowed.settle(
    found,
    'recovered-state',
    `what was recovered after ${scene.by} is no state that could be left`,
    fallback?.used ?? null,
  );
  if (wasOpen)
    reach[found.entriesHash === newest.entriesHash ? 'save-failed-but-survived' : 'save-failed-and-lost'] +=
      1;
}

/** Reads a whole log; null if damage that is there was named instead. */
async function observe(scene: Scene, log: RaftLog): Promise<LogState | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await observeLog(log, attempt === 1 ? knownTo(scene, log) : undefined);
    } catch (error) {
      if (error instanceof Finding) throw error;
      const finding = judgeFailure(scene, error, false);
      if (finding !== null) throw finding;
      // What a directed failure hit is read again without one; what damage hit stays.
      scene.faults.calm();
      if (attempt >= 2) return scene.isDamaged ? null : await observeLog(log);
    }
  }
}

/**
 * The data of a snapshot is read at the first open that shows it, and at every third of the others: it is one read in
 * ten of an open, and never changes. Where something was damaged it is read each time.
 */
function knownTo(scene: Scene, { recovery }: RaftLog): KnownSnapshot | undefined {
  if (scene.isDamaged || recovery.snapshotFallback !== null || recovery.epoch % 3 === 0) return undefined;
  return (index, term) =>
    scene.readSnapshots.has(`${index}/${term}`) ? scene.allowed.snapshotAt(index, term) : null;
}

async function judgeOpenError(
  scene: Scene,
  process: SimulatedProcess,
  error: unknown,
  readsAll: boolean,
): Promise<boolean> {
  if (!(error instanceof KeelsonError))
    throw new Finding({
      oracle: 'error-type',
      what: `${scene.by} failed to open with ${String(error)}`,
      cause: error,
    });
  switch (error.family) {
    case 'damage':
      if (!scene.isDamaged) throw falseAlarm(scene, error);
      scene.reach['damage-named-by-open'] += 1;
      await checkVerdictKept(scene, process, error, readsAll);
      scene.hasEnded = true;
      return true;
    case 'caller':
      if (!scene.isOverBudget) {
        const what = `${scene.by} was refused to open: ${error.code}: ${error.message}`;
        throw new Finding({ oracle: 'refusal', what, cause: error });
      }
      scene.hasEnded = true;
      return true;
    case 'environment':
      return judgeOpenFailure(scene, error);
  }
}

function judgeOpenFailure(scene: Scene, error: KeelsonError): boolean {
  scene.reach['open-failed'] += 1;
  if (error.code === 'KEELSON_READ_FAILED') scene.reach['open-failed-for-a-read'] += 1;
  if (error.code === 'KEELSON_NO_SPACE' && scene.faults.suffered.failures === 0) {
    // Only the making of a store needs room; opening one does only where the superblock is copied on write.
    if (!scene.wasOpened || scene.lacksRoomForCopies) {
      if (scene.wasOpened) scene.reach['open-refused-on-full-disk'] += 1;
      scene.release();
      return false;
    }
    const what = `${scene.by} cannot open at ${scene.disk.fs.freeBytes} bytes free: ${error.message}`;
    throw new Finding({ oracle: 'full-disk', what, cause: error });
  }
  if (!scene.hasCause) throw withoutCause(scene, error);
  // Damage that makes a sector unreadable is named in its way, at every open again.
  if (scene.isDamaged && scene.faults.suffered.failures === 0) scene.hasEnded = true;
  return scene.hasEnded;
}

/** R3: not one byte of the store changes, and every later open says the same. */
async function checkVerdictKept(
  scene: Scene,
  process: SimulatedProcess,
  first: KeelsonError,
  readsAll: boolean,
): Promise<void> {
  scene.faults.calm();
  const before = hashOfFiles(scene.disk);
  try {
    await openRaftLog({ ...openOptions(scene, process), verifyOnOpen: readsAll ? 'all' : 'tail' });
  } catch (error) {
    const found = error instanceof KeelsonError ? error.code : String(error);
    if (found !== first.code && !scene.isOverBudget) {
      const what = `a second open says ${found}, the first said ${first.code}: ${first.message}`;
      throw new Finding({ oracle: 'verdict-not-kept', what, cause: error });
    }
    // A writer that lost its lock, and was not told yet, goes on beside the opens of its successor.
    const hasPredecessor = process !== scene.process && scene.process.isAlive;
    if (hashOfFiles(scene.disk) === before || scene.isOverBudget || hasPredecessor) return;
    const what = `an open that named damage (${first.code}) changed the store`;
    throw new Finding({ oracle: 'verdict-not-kept', what });
  }
  if (scene.isOverBudget) return;
  const what = `a second open found nothing, the first said ${first.code}: ${first.message}`;
  throw new Finding({ oracle: 'verdict-not-kept', what });
}

/** Of the names and bytes of all files. */
export function hashOfFiles(disk: SimulatedDisk): number {
  const print = new Fingerprint();
  for (const path of disk.list()) print.addText(path).addBytes(disk.readVolatile(path) ?? new Uint8Array());
  return print.value;
}
