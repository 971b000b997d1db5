import { join } from 'node:path';
import type { Environment } from '../disk/environment.js';
import { KeelsonError } from '../errors/index.js';
import { QUARANTINE_DIRECTORY_NAME, SUPERBLOCK_NAME } from '../format/names.js';
import type { Superblock } from '../format/superblock.js';
import { lockStore, type StoreLock } from '../wal/lock-store.js';
import { listStore, removeName, renewName, restoreAsides, syncNames } from '../wal/store-directory.js';
import { keepInQuarantine } from '../wal/keep-in-quarantine.js';
import { segmentPath } from '../wal/live-segment.js';
import { writeCopy } from '../wal/quarantine.js';
import { newestSlot, readSlots, SuperblockFile } from '../wal/superblock-file.js';
import { rebuildLog, removeRebuilt } from './rebuild-log.js';
import { planRepair, type InnerPlan, type RepairPlan } from './repair-plan.js';
import { surveyLog, type LogSurvey } from './survey-log.js';

/** Which store to repair. */
export interface RepairRequest {
  readonly environment: Environment;
  readonly dir: string;
  /** Null: `wal` inside `dir`. */
  readonly walDir: string | null;
  readonly onProgress?: ((readBytes: number, totalBytes: number) => void) | undefined;
}

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
 * Repairs a store: keeps what the plan says, moves everything it replaces to `quarantine/`, deletes nothing. A crash
 * inside leaves the store as it was, or repaired, or such that another repair completes it: all that is new is written
 * beside what is there, and counts by one write of the superblock.
 *
 * Errors: `KEELSON_LOCKED`; those of a survey; `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`.
 */
export async function repairStore(request: RepairRequest): Promise<RepairReport> {
  const first = await surveyLog(request);
  const { plan } = planRepair(first);
  if (plan.action === 'none' || plan.action === 'impossible') return { ...plan, quarantined: [] };
  const { disk } = request.environment;
  const lock = await lockStore(disk, first.paths);
  try {
    await restoreAsides(disk, first.paths, await listStore(disk, first.paths));
    await syncNames(disk, first.paths.dir);
    await syncNames(disk, first.paths.walDir).catch(ignoreMissing);
    await stamp(lock, first);
    const survey = await surveyLog(request);
    return await new Repair(request, lock, survey, planRepair(survey)).run();
  } finally {
    await lock.release();
  }
}

/** A directory of segments that is gone altogether has no names to sync. */
function ignoreMissing(error: unknown): void {
  if (error instanceof KeelsonError && error.details.systemCode === 'ENOENT') return;
  throw error;
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
  readonly #request: RepairRequest;
  readonly #lock: StoreLock;
  readonly #survey: LogSurvey;
  readonly #inner: InnerPlan;
  readonly #epoch: number;

  constructor(request: RepairRequest, lock: StoreLock, survey: LogSurvey, inner: InnerPlan) {
    this.#request = request;
    this.#lock = lock;
    this.#survey = survey;
    this.#inner = inner;
    const { highestEpoch, superblock } = survey.store;
    this.#epoch = highestEpoch + (superblock === null ? EPOCHS_UNSEEN : 1);
  }

  async run(): Promise<RepairReport> {
    const { plan } = this.#inner;
    if (plan.action === 'none' || plan.action === 'impossible') return { ...plan, quarantined: [] };
    const { superblock } = this.#survey.store;
    const kept = superblock === null ? await this.#rebuildSlots() : [await this.#copySuperblock()];
    if (plan.action === 'rebuild-superblock') return { ...plan, quarantined: kept };
    return { ...plan, quarantined: [...kept, ...(await this.#rebuildLog())] };
  }

  #folder(under: string): string {
    const name = `repair-${String(this.#epoch).padStart(16, '0')}`;
    return join(under, QUARANTINE_DIRECTORY_NAME, name);
  }

  /** R7: both slots, from what the segments say; the old bytes are kept. Until one is whole the store is as it was. */
  async #rebuildSlots(): Promise<readonly string[]> {
    const { disk } = this.#request.environment;
    const { paths } = this.#survey;
    const { bytes } = await readSlots(this.#lock.superblock);
    const copy = await this.#copySuperblock();
    await renewName(disk, paths.dir, SUPERBLOCK_NAME);
    await syncNames(disk, paths.dir);
    const file = new SuperblockFile(this.#lock.superblock, this.#superblockOfOld(), bytes, 1);
    await file.writeBoth({});
    return [copy];
  }

  /** The slots are written over, not moved; with their copy the files in quarantine are a store again. */
  async #copySuperblock(): Promise<string> {
    const { disk } = this.#request.environment;
    const { paths, store } = this.#survey;
    const folder = this.#folder(paths.dir);
    await keepInQuarantine(disk, folder, []);
    const copy = join(folder, SUPERBLOCK_NAME);
    await writeCopy(disk, copy, store.slots.bytes ?? new Uint8Array());
    await this.#writeNote(folder);
    return copy;
  }

  #superblockOfOld(): Superblock {
    const { store, paths } = this.#survey;
    const { range, proven, storeId, segments } = store;
    const end = segments[segments.length - 1]?.run?.lastLsn ?? proven.lsn;
    return {
      generation: 0,
      storeId: storeId ?? new Uint8Array(16),
      storeKind: 'raft',
      epoch: this.#epoch,
      fenceEpoch: this.#epoch,
      // What stands behind the last frame that is known is nobody's.
      fenceLsn: Math.max(end, store.highestLsn) + 1,
      firstSegment: range.first,
      newestSegment: Math.max(range.newest, segments[segments.length - 1]?.number ?? range.newest),
      proven,
      isLive: true,
      isCleanEnd: false,
      isWalSeparate: paths.isWalSeparate,
      unfitUntil: this.#inner.plan.result?.unfitUntil ?? 0,
    };
  }

  async #rebuildLog(): Promise<readonly string[]> {
    const { environment } = this.#request;
    const { disk } = environment;
    const { paths } = this.#survey;
    const segments = await this.#segmentPaths();
    const snapshots = this.#survey.snapshots.filter(({ damage }) => damage !== null).map(({ path }) => path);
    const walFolder = this.#folder(paths.isWalSeparate ? paths.walDir : paths.dir);
    const folder = this.#folder(paths.dir);
    const kept = [
      ...(await keepInQuarantine(disk, walFolder, segments)),
      ...(await keepInQuarantine(disk, folder, snapshots)),
    ];
    // As an open does: they are prepared, or retired, and hold nothing of the log.
    const { spares } = await listStore(disk, paths);
    for (const name of spares) await removeName(disk, join(paths.walDir, name));
    await this.#switch();
    for (const path of [...segments, ...snapshots]) await removeName(disk, path);
    if (segments.length > 0) await syncNames(disk, paths.walDir);
    if (snapshots.length > 0) await syncNames(disk, join(paths.dir, 'snapshots'));
    return kept;
  }

  /** All of them: what is not in the range is left over from a rotation, or from a repair that did not end. */
  async #segmentPaths(): Promise<string[]> {
    const { paths } = this.#survey;
    const listing = await listStore(this.#request.environment.disk, paths);
    const numbers = [...(listing.segments ?? [])].sort((a, b) => a - b);
    return numbers.map((number) => segmentPath(paths.walDir, number));
  }

  /** Writes the new log beside the old, and makes it count. */
  async #switch(): Promise<void> {
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
  }

  async #writeNote(folder: string): Promise<void> {
    const { why, damage, lost, result } = this.#inner.plan;
    const lines = [
      `Set aside by a repair that began epoch ${this.#epoch}: ${why}.`,
      ...damage.map(({ code, path, offset, reason }) => `${code} ${path} at byte ${offset}: ${reason}`),
      `What was lost: ${JSON.stringify(lost)}`,
      `The log since: ${JSON.stringify(result)}`,
      'Nothing in this directory is used any more, and nothing deletes it.',
    ];
    const { disk } = this.#request.environment;
    await writeCopy(disk, join(folder, 'why.txt'), new TextEncoder().encode(`${lines.join('\n')}\n`));
    await syncNames(disk, folder);
  }
}
