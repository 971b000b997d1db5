import { join } from 'node:path';
import { patient } from '../disk/disk-watch.js';
import type { Environment } from '../disk/environment.js';
import { holdingNames, type HeldEnvironment } from '../disk/held-disk.js';
import { setAside } from '../disk/set-aside.js';
import { KeelsonError } from '../errors/index.js';
import { MARKS_NAME, QUARANTINE_DIRECTORY_NAME, SUPERBLOCK_NAME } from '../format/names.js';
import type { Superblock } from '../format/superblock.js';
import {
  holdsSegmentOf,
  keepInQuarantine,
  segmentPath,
  lockStore,
  type StoreLock,
  listStore,
  restoreAsides,
  newestSlot,
  readSlots,
  SuperblockFile,
  superblockPath,
} from '../wal/inside.js';
import { removeName, renewName, syncNames } from '../disk/durable-names.js';
import { rebuildLog, removeRebuilt } from './repair/rebuild-log.js';
import { planRepair, type InnerPlan, type RepairPlan } from './repair/repair-plan.js';
import { surveyLog, type LogSurvey } from './repair/survey-log.js';

/** Which store to repair. */
export interface RepairRequest {
  readonly environment: Environment;
  readonly dir: string;
  /** Null: `wal` inside `dir`. */
  readonly walDir: string | null;
  readonly onProgress?: ((readBytes: number, totalBytes: number) => void) | undefined;
}

/** Its disk holds the names of the store, from the lock on. */
type HeldRequest = RepairRequest & { readonly environment: HeldEnvironment };

/** What a repair did. */
export interface RepairReport extends RepairPlan {
  /** Where the files are that were set aside. */
  readonly quarantined: readonly string[];
}

/**
 * Without a superblock nobody knows how often the store was opened since its last frame: the new epoch keeps this far
 * off the highest one that is known, so that a writer of any of those opens is fenced (D11).
 */
const EPOCHS_UNSEEN = 1024;

/** What a repair would do. Changes nothing, takes no lock. Errors: those of a survey. */
export async function planStoreRepair(request: RepairRequest): Promise<RepairPlan> {
  return planRepair(await surveyLog(request)).plan;
}

/**
 * Repairs a store: keeps what the plan says, moves everything that it replaces to `quarantine/`, deletes nothing. A crash
 * inside leaves the store as it was, or repaired, or such that another repair completes it: all that is new is written
 * beside what is there, and counts by one write of the superblock. What is moved is moved behind that: until then the
 * old files are live, and a server may still open a store of which only a sealed segment is damaged (R12).
 *
 * Errors: `KEELSON_LOCKED`; those of a survey; `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`.
 */
export async function repairStore(asked: RepairRequest): Promise<RepairReport> {
  const request: HeldRequest = { ...asked, environment: holdingNames(patient(asked.environment)) };
  const first = await surveyLog(request);
  const { plan } = planRepair(first);
  if (plan.action === 'none' || plan.action === 'impossible') return { ...plan, quarantined: [] };
  const { disk } = request.environment;
  const lock = await lockStore(disk, first.paths);
  try {
    for (const { path, id } of lock.files) disk.holdId(path, id);
    await restoreAsides(disk, first.paths, await listStore(disk, first.paths));
    await syncNames(disk, first.paths.dir);
    await syncNames(disk, first.paths.walDir).catch(ignoreMissing);
    const folder = `repair-${String(epochOf(first)).padStart(16, '0')}`;
    const kept = await keepWrittenOver(request, first, plan, folder);
    await stamp(lock, first);
    const survey = await surveyLog(request);
    const done = await new Repair(request, lock, survey, planRepair(survey), folder).run();
    // As it was found: by now an empty superblock may stand where none was.
    return { ...done, damage: plan.damage, quarantined: [...kept, ...done.quarantined] };
  } finally {
    await lock.release();
  }
}

/** A directory of segments that is gone altogether has no names to sync. */
function ignoreMissing(error: unknown): void {
  if (error instanceof KeelsonError && error.details.systemCode === 'ENOENT') return;
  throw error;
}

function epochOf({ store }: LogSurvey): number {
  return store.highestEpoch + (store.superblock === null ? EPOCHS_UNSEEN : 1);
}

/** Superblock and end marks are written over, not moved: with their copies the files in quarantine are a store again. */
function keepWrittenOver(
  { environment }: RepairRequest,
  { paths }: LogSurvey,
  { why, damage, lost, result }: RepairPlan,
  folder: string,
): Promise<readonly string[]> {
  const lines = [
    `Set aside by a repair: ${why}.`,
    ...damage.map(({ code, path, offset, reason }) => `${code} ${path} at byte ${offset}: ${reason}`),
    `What was lost: ${JSON.stringify(lost, unbounded)}`,
    `The log since: ${JSON.stringify(result, unbounded)}`,
    'Nothing in this directory is used any more, and nothing deletes it.',
  ];
  return keepInQuarantine(
    environment.disk,
    join(paths.dir, QUARANTINE_DIRECTORY_NAME, folder),
    [superblockPath(paths.dir), join(paths.dir, MARKS_NAME)],
    `${lines.join('\n')}\n`,
  );
}

/** JSON has no infinity. */
function unbounded(_key: string, value: unknown): unknown {
  return value === Infinity ? 'unbounded' : value;
}

/** D11: a writer that lost its lock acknowledges nothing from here on. Where no slot is whole there is nothing to stamp. */
async function stamp(lock: StoreLock, { store }: LogSurvey): Promise<void> {
  const file = await openSlots(lock);
  if (file === null) return;
  await file.renew();
  await file.writeBoth({ epoch: store.highestEpoch + 1 });
}

async function openSlots({ superblock }: StoreLock): Promise<SuperblockFile | null> {
  const { slots, bytes } = await readSlots(superblock);
  const newest = newestSlot(slots);
  if (newest === null) return null;
  const at = slots.findIndex((slot) => slot.kind === 'valid' && slot.superblock === newest);
  return new SuperblockFile(superblock, newest, bytes, at);
}

class Repair {
  readonly #request: HeldRequest;
  readonly #lock: StoreLock;
  readonly #survey: LogSurvey;
  readonly #inner: InnerPlan;
  readonly #epoch: number;
  readonly #folderName: string;

  /** @param folderName in the quarantine: of this repair */
  constructor(
    request: HeldRequest,
    lock: StoreLock,
    survey: LogSurvey,
    inner: InnerPlan,
    folderName: string,
  ) {
    this.#request = request;
    this.#lock = lock;
    this.#survey = survey;
    this.#inner = inner;
    this.#epoch = epochOf(survey);
    this.#folderName = folderName;
  }

  async run(): Promise<RepairReport> {
    const { plan } = this.#inner;
    if (plan.action === 'none' || plan.action === 'impossible') return { ...plan, quarantined: [] };
    if (this.#survey.store.superblock === null) await this.#rebuildSlots();
    if (plan.action === 'rebuild-superblock') return { ...plan, quarantined: [] };
    return { ...plan, quarantined: await this.#rebuildLog() };
  }

  /** R7: both slots, from what the segments say. Until one is whole the store is as it was. */
  async #rebuildSlots(): Promise<void> {
    const { disk } = this.#request.environment;
    const { paths } = this.#survey;
    const { bytes } = await readSlots(this.#lock.superblock);
    await renewName(disk, paths.dir, SUPERBLOCK_NAME);
    await syncNames(disk, paths.dir);
    const file = new SuperblockFile(this.#lock.superblock, this.#superblockOfOld(), bytes, 1);
    await file.writeBoth({});
  }

  #superblockOfOld(): Superblock {
    const { store, paths } = this.#survey;
    const { range, proven, storeId, segments } = store;
    const { plan, piece } = this.#inner;
    const end = segments[segments.length - 1]?.run?.lastLsn ?? proven.lsn;
    const isWhole = piece !== null && !plan.lost.mayBeAcknowledged;
    return {
      generation: 0,
      storeId: storeId ?? new Uint8Array(16),
      storeKind: 'raft',
      epoch: this.#epoch,
      fenceEpoch: this.#epoch,
      // What stands behind the end is nobody's; but where the end is not known, behind the last frame that is.
      fenceLsn: (isWhole ? piece.lastLsn : Math.max(end, store.highestLsn)) + 1,
      firstSegment: range.first,
      newestSegment: Math.max(range.newest, segments[segments.length - 1]?.number ?? range.newest),
      proven,
      isLive: true,
      isCleanEnd: false,
      isWalSeparate: paths.isWalSeparate,
      unfitUntil: plan.result?.unfitUntil ?? 0,
    };
  }

  async #rebuildLog(): Promise<readonly string[]> {
    const { disk } = this.#request.environment;
    const { paths } = this.#survey;
    const old = await this.#segmentPaths();
    if (paths.isWalSeparate) await this.#makeWalFolder();
    const moved = await this.#clearSpares();
    const file = await this.#switch();
    // D11: the superblock is ours; a writer that took the store over would have written it.
    for (const path of [...old, ...this.#snapshotsGivenUp()])
      for (const to of await this.#moveAside(file, path)) moved.push(to);
    await syncNames(disk, paths.walDir);
    return moved;
  }

  async #makeWalFolder(): Promise<void> {
    const { paths } = this.#survey;
    const folder = join(paths.walDir, QUARANTINE_DIRECTORY_NAME, this.#folderName);
    const note = `The segments of a log that was repaired; why.txt beside its superblock says more: ${paths.dir}/${QUARANTINE_DIRECTORY_NAME}/${this.#folderName}\n`;
    await keepInQuarantine(this.#request.environment.disk, folder, [], note);
  }

  /** All of them: what is not in the range is left over from a rotation, or from a repair that did not end. */
  async #segmentPaths(): Promise<string[]> {
    const { paths } = this.#survey;
    const listing = await listStore(this.#request.environment.disk, paths);
    const numbers = [...(listing.segments ?? [])].sort((a, b) => a - b);
    return numbers.map((number) => segmentPath(paths.walDir, number));
  }

  /** As an open does: they are prepared, or retired. One that bears a segment in the range was exchanged with it. */
  async #clearSpares(): Promise<string[]> {
    const { disk } = this.#request.environment;
    const { paths, store } = this.#survey;
    const moved: string[] = [];
    for (const name of (await listStore(disk, paths)).spares) {
      const path = join(paths.walDir, name);
      const isLost =
        store.storeId !== null && (await holdsSegmentOf(disk, path, store.storeId, store.range.first));
      if (!isLost) await removeName(disk, path);
      else for (const to of await this.#moveAside(null, path)) moved.push(to);
    }
    return moved;
  }

  /** What is kept holds none of these: damaged, or of a branch or an index that was given up. Open would delete them. */
  #snapshotsGivenUp(): readonly string[] {
    const kept = this.#inner.plan.result?.snapshot ?? null;
    return this.#survey.snapshots
      .filter(({ index, term, damage }) => {
        if (damage !== null || kept === null || index > kept.index) return true;
        return index === kept.index && term !== kept.term;
      })
      .map(({ path }) => path);
  }

  /** None if there is no room: then it stays, and the next open moves it. */
  async #moveAside(file: SuperblockFile | null, path: string): Promise<readonly string[]> {
    await file?.checkFence('background');
    const { paths } = this.#survey;
    const { disk } = this.#request.environment;
    // A file cannot be renamed from one file system to another, and the segments may have their own.
    const isSegment = path.startsWith(join(paths.walDir, '/'));
    const root = paths.isWalSeparate && isSegment ? paths.walDir : paths.dir;
    const folder = join(root, QUARANTINE_DIRECTORY_NAME, this.#folderName);
    const note = `A repair made a new log in its place; why.txt says what was kept. It was moved here from ${path}, and nothing deletes it.\n`;
    const to = await setAside({ disk, path, folder, note });
    return to === null ? [] : [to];
  }

  /** Writes the new log beside the old, and makes it count. */
  async #switch(): Promise<SuperblockFile> {
    const { environment } = this.#request;
    const file = await openSlots(this.#lock);
    if (file === null) throw new RangeError('a repair has lost the superblock that it wrote');
    let built: Superblock;
    try {
      built = await rebuildLog(environment, this.#survey, this.#inner, this.#epoch);
    } catch (error) {
      // It held nothing that is not in the old log, and would take the room of another try.
      await removeRebuilt(environment.disk, this.#survey).catch(() => undefined);
      throw error;
    }
    await file.writeBoth({ ...built });
    return file;
  }
}
