import type { ErrorCode } from '../../src/errors/codes.js';
import { isKeelsonError } from '../../src/errors/index.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import type { OpenedSnapshot } from '../../src/raft-log/snapshot-contract.js';
import { withSnapshot } from '../oracle/apply-save.js';
import { Finding } from '../oracle/finding.js';
import { lastIndexOf, termAt } from '../oracle/log-state.js';
import { observeOpened } from '../oracle/observe-log.js';
import type { OpBody, UnderWay } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { beginUnjudgedCopy, CHECKPOINT_DIR, removeCopies } from './copy-ops.js';
import { issueDrawn, judgeFailure } from './issue-save.js';
import { checkEntries, tryRead } from './read-ops.js';
import type { Scene } from './scene.js';
import { pass, settled } from './settled.js';
import { performCompact } from './snapshot-ops.js';
import { cuttingNothing, makeSnapshot, streamOf } from './taken-snapshot.js';

/** What a read is told whose range was cut or dropped meanwhile. */
const MOVED_ON: readonly ErrorCode[] = ['KEELSON_UNAVAILABLE', 'KEELSON_COMPACTED'];

/** Reads are no part of what was accepted: who asked for them may be told a little later. */
const READS: readonly string[] = ['read', 'stream', 'open-snapshot'];
/** Virtual milliseconds: more than a call that hangs takes. */
const IN_TIME_MS = 1_000_000;

/** Of an index that must stay as it is. */
const TAKES_SNAPSHOT: readonly UnderWay[] = ['snapshot', 'stalled-snapshot'];

type ReopenOp = Extract<OpBody, { kind: 'reopen' }>;

/**
 * Closes the log with work under way: what was accepted has an answer by then, and it is not that the log was closed; what
 * was not is told so, also where it would never have ended by itself. Nothing of it goes on behind.
 */
export async function closeBehind(
  scene: Scene,
  log: RaftLog,
  { saves = [], under = [], gapMs = 0 }: ReopenOp,
  seed: number,
): Promise<void> {
  const { process } = scene;
  const begun: { readonly what: string; isOver: boolean }[] = [];
  const begin = (what: string, work: Promise<unknown>): void => {
    const one = { what, isOver: false };
    begun.push(one);
    void work.then(
      () => (one.isOver = true),
      (error: unknown) => {
        one.isOver = true;
        scene.found(error);
      },
    );
  };
  const held = under.includes('held-snapshot') ? await tryRead(scene, () => log.openSnapshot()) : null;
  for (const what of under) begin(what, beginWork(scene, log, what, subSeed(seed, what)));
  if (under.length > 0 && gapMs > 0) await pass(scene, gapMs);
  if (!process.isAlive) return;
  const meant = TAKES_SNAPSHOT.some((what) => under.includes(what)) ? saves.map(cuttingNothing) : saves;
  for (const [at, save] of meant.entries()) {
    begin('save', issueDrawn(scene, save, subSeed(seed, at)));
    if (scene.plan.config.queueBytesMax !== undefined) await settled();
  }
  await log.close();
  if (under.includes('checkpoint')) removeCopies(scene);
  if (begun.length === 0) return;
  // What was told so has a few reactions of its own behind that.
  for (let turn = 0; turn < 4; turn++) await settled();
  if (saves.length > 0) scene.reach['closed-with-saves-under-way'] += 1;
  if (under.length > 0) scene.reach['closed-with-more-under-way'] += 1;
  if (held !== null) await checkEnded(scene, held);
  const late = begun.filter(({ isOver }) => !isOver);
  const reads = late.filter(({ what }) => READS.includes(what));
  if (reads.length > 0) await pass(scene, IN_TIME_MS);
  const open = late.filter((one) => !one.isOver || !reads.includes(one));
  if (open.length === 0) return;
  const names = open.map(({ what }) => what).join(', ');
  const what = `close resolved while ${open.length} of ${begun.length} works that were under way had no answer: ${names}`;
  throw new Finding({ oracle: 'acknowledgement', what });
}

async function beginWork(scene: Scene, log: RaftLog, what: UnderWay, seed: number): Promise<void> {
  switch (what) {
    case 'snapshot':
      return beginSnapshot(scene, log, seed);
    case 'stalled-snapshot':
      return beginStalled(scene, log);
    case 'compaction':
      return performCompact(scene, 1, false);
    case 'checkpoint':
      return orClosed(scene, beginCheckpoint(scene, log));
    case 'read':
      return orClosed(scene, readAll(scene, log), MOVED_ON);
    case 'stream':
      return orClosed(scene, streamAll(scene, log), MOVED_ON);
    case 'open-snapshot':
      return orClosed(scene, openAndRead(log));
    case 'held-snapshot':
      return;
  }
}

/** That the log was closed is an answer to all that takes no record. */
async function orClosed(
  scene: Scene,
  work: Promise<unknown>,
  others: readonly ErrorCode[] = [],
): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (isKeelsonError(error) && (error.code === 'KEELSON_CLOSED' || others.includes(error.code))) return;
    const finding = judgeFailure(scene, error, false);
    if (finding !== null) throw finding;
  }
}

/** One that is taken, or given up as a whole. */
async function beginSnapshot(scene: Scene, log: RaftLog, seed: number): Promise<void> {
  const { allowed } = scene;
  const { state } = allowed.newest;
  const index = lastIndexOf(state);
  if (log.status !== 'open' || index <= Math.max(state.snapshot?.index ?? 0, state.boundary.index)) return;
  const { snapshot, chunks } = makeSnapshot(
    index,
    termAt(state, index) ?? 0,
    { bytes: 900, chunks: 3 },
    seed,
  );
  allowed.float((before) => withSnapshot(before, snapshot), scene.by);
  try {
    await log.createSnapshot({ index, conf: snapshot.conf, data: streamOf(chunks) });
    // Its record may be in the reserve, behind saves that were queued while its data came.
    scene.noteControl(0);
    allowed.landFloating();
  } catch (error) {
    const isClosed = isKeelsonError(error, 'KEELSON_CLOSED');
    const finding = isClosed ? null : judgeFailure(scene, error, false);
    if (finding !== null) throw finding;
    // Of a log that failed the fate of the record is open.
    if (!hasFailed(log)) allowed.sinkFloating();
  }
}

function hasFailed({ status }: RaftLog): boolean {
  return status === 'failed';
}

/** Its data never comes: without a close it would never end. */
async function beginStalled(scene: Scene, log: RaftLog): Promise<void> {
  const { lastIndex: index, snapshot } = log;
  if (log.status !== 'open' || index <= Math.max(snapshot?.index ?? 0, log.firstIndex - 1)) return;
  const next = (): Promise<IteratorResult<Uint8Array>> => new Promise(() => undefined);
  const data = { [Symbol.asyncIterator]: () => ({ next }) };
  // The other one that is under way may have come as far by the time it is its turn.
  const others = ['KEELSON_SNAPSHOT_OUT_OF_DATE'] as const;
  await orClosed(scene, log.createSnapshot({ index, conf: new Uint8Array(), data }), others);
}

async function beginCheckpoint(scene: Scene, log: RaftLog): Promise<void> {
  if (log.status !== 'open' || !beginUnjudgedCopy(scene)) return;
  await log.checkpoint({ scope: 'durable', to: CHECKPOINT_DIR });
}

async function readAll(scene: Scene, log: RaftLog): Promise<void> {
  const { firstIndex, lastIndex } = log;
  const before = scene.allowed.candidates();
  const read = await log.entries(firstIndex, lastIndex + 1);
  if (scene.log === log) checkEntries(scene, read, firstIndex, before, true);
}

async function streamAll(scene: Scene, log: RaftLog): Promise<void> {
  const { firstIndex, lastIndex } = log;
  const before = scene.allowed.candidates();
  const read: Entry[] = [];
  for await (const entry of log.stream(firstIndex, lastIndex + 1)) read.push(entry);
  if (scene.log === log) checkEntries(scene, read, firstIndex, before, true);
}

async function openAndRead(log: RaftLog): Promise<void> {
  const opened = await log.openSnapshot();
  if (opened !== null) await observeOpened(opened);
}

/** Open snapshots end with their log. */
async function checkEnded(scene: Scene, held: OpenedSnapshot): Promise<void> {
  try {
    await observeOpened(held);
  } catch (error) {
    if (isKeelsonError(error, 'KEELSON_CLOSED')) return;
    throw error;
  }
  const what = `the snapshot at ${held.meta.index}, opened before ${scene.by}, was read behind the close of its log`;
  throw new Finding({ oracle: 'read', what, expected: ['KEELSON_CLOSED'] });
}
