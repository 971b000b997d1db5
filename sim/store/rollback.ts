import { ASIDE } from '../../src/disk/durable-names.js';
import { KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { findNode } from '../disk/image/paths.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding } from '../oracle/finding.js';
import { framesIn } from '../oracle/frame-census.js';
import {
  isSameHardState,
  isSameStable,
  lastIndexOf,
  lastTermOf,
  type LogState,
} from '../oracle/log-state.js';
import { observeLog } from '../oracle/observe-log.js';
import type { OpBody } from '../plan/plan.js';
import { Random } from '../world/random.js';
import { withoutCause } from './issue-save.js';
import { hashOfFiles } from './open-store.js';
import { momentOf } from './moments.js';
import { pass } from './settled.js';
import { openOptions } from './open-options.js';
import { contentsOf, hashOfFile } from './repair-damaged.js';
import { rollBack } from './roll-back.js';
import type { Scene } from './scene.js';

/** Virtual milliseconds in which an end mark has landed (D12). */
const MARK_MS = 50;

/**
 * Crashes a copy of the disk, puts some files of the store there back to what they were, and opens it. Damage is named and
 * nothing changed; or what is shown may be left by the crash; or it was promised once, no file that was left alone proves
 * that there was more, and what is newer is there still.
 */
export async function performRollback(
  scene: Scene,
  op: Extract<OpBody, { kind: 'rollback' }>,
  seed: number,
): Promise<void> {
  const moment = scene.other === null ? scene.moments.ago(op.back, scene.dir) : null;
  // What else has happened to these files is not in the injector's record of syncs.
  if (moment === null || scene.isDamaged || scene.hasLostLock || scene.isFull || !scene.wasOpened) return;
  if (op.stale) await pass(scene, MARK_MS);
  const { queue, trace } = scene.disk;
  const disk = scene.disk.fork({ seed, queue, trace });
  disk.crash(op.crash);
  const { sequence } = disk.fs;
  const random = new Random(seed);
  // Also to just before the last save, which nothing but what a close wrote tells of then.
  const then = op.closes === true && random.chance(0.5) ? momentOf(disk) : moment;
  const closed = op.closes === true ? await closeCleanly(scene, disk) : null;
  const additions = lastAdditions(scene, disk, op);
  const changed = rollBack(disk, scene.dir, then, op, random);
  for (const path of changed) additions.delete(path);
  const remains = remainsOf(disk, changed);
  const found = await openBehind(scene, disk, changed.size > 0);
  if (found === null) return;
  const { allowed, reach } = scene;
  const whole = closed === null ? allowed.candidates().map(({ state }) => state) : [closed];
  if (whole.some((state) => isLike(found, state))) {
    reach['rollback-harmless'] += 1;
    return;
  }
  reach['rollback-older'] += 1;
  const before = allowed.promises.findLastIndex((state) => isLike(found, state));
  const sinceLast = closed === null ? Infinity : sequence;
  const since = before < 0 ? -1 : (scene.moments.sequenceOf(before + 2) ?? sinceLast);
  const proof = [...additions].find(([, at]) => at > since)?.[0];
  if (proof !== undefined || before < 0)
    throw new Finding({
      oracle: 'rollback',
      what: `with ${[...changed].join(', ') || 'nothing'} as ${op.back} operations ago, the log shows a state ${before < 0 ? 'that never was' : `of before, though ${proof} was left alone`}`,
      expected: allowed.lines(),
      found: describeState(found),
    });
  checkNewerKept(disk, remains, found);
}

/** Opens the copy, saves once, and closes it; what it holds then. */
async function closeCleanly(scene: Scene, disk: SimulatedDisk): Promise<LogState> {
  const log = await openRaftLog(openOptions(scene, disk.process));
  await log.save({ hardState: { term: log.hardState.term + 1 } });
  const state = await observeLog(log);
  await log.close();
  scene.reach['rollback-behind-clean-end'] += 1;
  return state;
}

/** Opens what was rolled back, and reads all of it; null if damage was named, as it may be where files changed. */
async function openBehind(scene: Scene, disk: SimulatedDisk, isChanged: boolean): Promise<LogState | null> {
  const before = hashOfFiles(disk);
  let log: RaftLog | null = null;
  try {
    log = await openRaftLog({ ...openOptions(scene, disk.process), verifyOnOpen: 'all' });
    const found = await observeLog(log);
    await log.close();
    return found;
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (!(error instanceof KeelsonError))
      throw new Finding({ oracle: 'error-type', what: `an open failed with ${String(error)}`, cause: error });
    if (error.family !== 'damage') throw withoutCause(scene, error);
    // What only a read meets it names; the open has written then.
    const isSame = log !== null || hashOfFiles(disk) === before;
    await log?.close();
    if (isChanged && isSame) {
      scene.reach['rollback-named'] += 1;
      return null;
    }
    const what = isChanged ? 'an open that named damage changed the store' : 'no file was rolled back';
    throw new Finding({ oracle: 'rollback', what: `${what}: ${error.code}: ${error.message}`, cause: error });
  }
}

/** The same but for what a snapshot or a compaction changes, whose records come behind saves that are not known yet. */
function isLike(found: LogState, state: LogState): boolean {
  return (
    isSameHardState(found.hardState, state.hardState) &&
    isSameStable(found.stable, state.stable) &&
    lastIndexOf(found) === lastIndexOf(state) &&
    lastTermOf(found) === lastTermOf(state) &&
    found.entries.every(({ index, hash }) => {
      const own = state.entries[index - state.boundary.index - 1];
      return own === undefined ? index <= state.boundary.index : own.hash === hash;
    })
  );
}

/**
 * When something was last added to each file that says what was durable before, by the injector's own record: to a segment
 * bytes that are no fill with zeros, which a sync made durable; to the end marks, which no sync ever does, what a killed
 * process leaves in the page cache; behind a clean end the superblock says it too.
 */
function lastAdditions(
  scene: Scene,
  disk: SimulatedDisk,
  { crash, closes }: Extract<OpBody, { kind: 'rollback' }>,
): Map<string, number> {
  const last = new Map<string, number>();
  // A directory that a crash left under both of its names is one (`walDir.aside/`): its files count by the first.
  for (const path of disk.list())
    if (path.endsWith('.wal') && !path.includes(`${ASIDE}/`)) last.set(path, lastAddedTo(disk, path));
  const path = `${scene.dir}/marks`;
  const marks = findNode(scene.disk.fs, path, 'stat');
  if (closes === true) for (const file of [path, `${scene.dir}/superblock`]) last.set(file, disk.fs.sequence);
  else if (crash === 'kill' && marks?.kind === 'file') last.set(path, marks.pending.at(-1)?.sequence ?? 0);
  return last;
}

function lastAddedTo(disk: SimulatedDisk, path: string): number {
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  let last = 0;
  for (const { from, until, issuedAt } of disk.syncsOf(path).flatMap(({ ranges }) => ranges))
    if (issuedAt > last && bytes.subarray(from, until).some((byte) => byte !== 0)) last = issuedAt;
  return last;
}

/**
 * The files that may be all that is left of what was promised: segments with frames in them, and snapshots; by the hash of
 * their bytes, for those that were left alone.
 */
function remainsOf(disk: SimulatedDisk, changed: ReadonlySet<string>): ReadonlyMap<number, string> {
  const left = [...contentsOf(disk)].filter(([, path]) => !changed.has(path));
  const hasFrames = (path: string): boolean =>
    framesIn(disk.readVolatile(path) ?? new Uint8Array()).next().done !== true;
  return new Map(left.filter(([, path]) => path.endsWith('.snap') || hasFrames(path)));
}

/** What is newer than the log that is shown is in its place still, or in quarantine. */
function checkNewerKept(disk: SimulatedDisk, remains: ReadonlyMap<number, string>, found: LogState): void {
  const paths = disk.list();
  const now = new Set(paths.map((path) => hashOfFile(disk.readVolatile(path))));
  const live = paths.filter((path) => path.endsWith('.wal') && !path.includes('/quarantine/'));
  for (const [hash, path] of remains) {
    // The tail is cut in its place; what stands below the log was dropped.
    if (now.has(hash) || paths.includes(path)) continue;
    const isNewer = path.endsWith('.snap') ? indexInName(path) > lastIndexOf(found) : path > (live[0] ?? '');
    if (!isNewer) continue;
    throw new Finding({
      oracle: 'rollback',
      what: `${path}, which is newer than the log that is shown, is gone`,
    });
  }
}

function indexInName(path: string): number {
  return Number(/(\d+)-\d+\.snap$/.exec(path)?.[1] ?? 0);
}
