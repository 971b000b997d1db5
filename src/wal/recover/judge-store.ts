import type { DiskFile } from '../../disk/port.js';
import type { KeelsonError } from '../../errors/index.js';
import type { EndMark } from '../../format/end-mark.js';
import { identityText } from '../../format/identity.js';
import type { DurableMark } from '../../format/position.js';
import type { Superblock, SuperblockVerdict } from '../../format/superblock.js';
import { NO_ENTRIES, segmentMissing, type Damage, type RecoveryTally } from '../report/damage.js';
import { newestMark, readMarks, type MarksFile } from '../store/marks-file.js';
import { olderFormat, otherFormat, otherVersionOf } from '../report/incompatible-format.js';
import { judge, type Judgement } from './judge.js';
import type { OpenRequest } from '../open-request.js';
import { busyError, throwIfAbandoned } from '../../errors/log-refusals.js';
import { isMissingFile } from '../segment/read-segment.js';
import {
  listStore,
  notALog,
  refuseStrays,
  type StoreListing,
  type StorePaths,
} from '../store/store-directory.js';
import { newestSlot, readSlots, type FoundSlots } from '../store/superblock-file.js';
import { firstTrace } from '../store/trace-of-log.js';

/**
 * How long, and how often, to begin again where the store moves under the judgement (R10). At least a few times however
 * slow the disk is, and not for ever where no time passes between.
 */
const MOVING_MS = 5000;
const MOVING_ATTEMPTS = { min: 5, max: 100 } as const;

/** A store read and judged. */
export interface Judged extends FoundSlots {
  readonly superblock: Superblock;
  readonly marks: MarksFile;
  /** The newest end mark that counts (R1). */
  readonly endMark: EndMark | null;
  readonly judgement: Judgement;
  readonly listing: StoreListing;
  /** Of a store beside its writer: how far it was written, durable or not. */
  readonly writtenLsn?: number;
}

/** Reads a store, superblock, marks and segments, and judges it. Writes nothing; every refusal carries the report. */
export class StoreJudge {
  readonly #request: OpenRequest;
  readonly #paths: StorePaths;
  readonly #tally: RecoveryTally;

  constructor(request: OpenRequest, tally: RecoveryTally) {
    this.#request = request;
    this.#paths = request.paths;
    this.#tally = tally;
  }

  /** The store as these slots say it is; frames that pass `untilLsn` are left out. */
  async judge(
    { slots, bytes }: FoundSlots,
    untilLsn: number = Infinity,
    listed: StoreListing | null = null,
  ): Promise<Judged> {
    const { layer, environment } = this.#request;
    const { disk } = environment;
    const listing = listed ?? (await listStore(disk, this.#paths));
    this.#tally.strays = listing.strays;
    const superblock = newestSlot(slots);
    if (superblock === null) throw await this.unreadable({ slots, bytes }, listing);
    this.refuseNewer(slots);
    this.checkKind(superblock);
    this.#tally.storeId = identityText(superblock.storeId);
    try {
      const marks = await readMarks(disk, this.#paths);
      const endMark = newestMark(marks, { lineage: superblock.lineage, superblock });
      const judgement = await judge(this.#request, {
        superblock,
        present: new Set(listing.numbers),
        mark: newestWitness(superblock, endMark),
        untilLsn,
        tally: this.#tally,
      });
      this.#tally.snapshotFallback = layer.fallback;
      return { superblock, slots, bytes, marks, endMark, judgement, listing };
    } catch (error) {
      throw this.#tally.withReport(error);
    }
  }

  /** A live writer may rotate, recycle and replace snapshots under a reader: what was found counts only if the store stood still. */
  async besideWriter(file: DiskFile): Promise<Judged> {
    return this.#whileMoving(file, await readSlots(file), async (found, standsStill) => {
      const whole = await this.judge(found);
      const judged = await this.judge(found, whole.judgement.proven.lsn);
      // A snapshot that is gone may have been replaced.
      const writtenLsn = whole.judgement.tail.run.lastLsn;
      const isIt = this.#request.layer.fallback === null || (await standsStill());
      return isIt ? { ...judged, writtenLsn } : null;
    });
  }

  /**
   * Judges the store as of slots that did not change meanwhile: a writer that lost its lock may still move the
   * range, and the stamp, which comes next, must not write an older range over that (D11).
   *
   * @param listing what stood in the directories when, or after, the slots were found
   */
  async untilStill(file: DiskFile, found: FoundSlots, listing: StoreListing): Promise<Judged> {
    return this.#whileMoving(file, found, async (slots, standsStill, isLast) => {
      const judged = await this.judge(slots, Infinity, slots === found ? listing : null);
      return isLast || (await standsStill()) ? judged : null;
    });
  }

  /** Tries until the store stands still: then a failure counts too, and before it only says that the writer is busy. */
  async #whileMoving(
    file: DiskFile,
    found: FoundSlots,
    attempt: (
      found: FoundSlots,
      standsStill: () => Promise<boolean>,
      isLast: boolean,
    ) => Promise<Judged | null>,
  ): Promise<Judged> {
    const { environment } = this.#request;
    const startMs = environment.now();
    let slots = found;
    let failure: unknown;
    for (let count = 1; ; count += 1) {
      const isLate = environment.now() - startMs >= MOVING_MS && count >= MOVING_ATTEMPTS.min;
      const isLast = isLate || count >= MOVING_ATTEMPTS.max;
      const standsStill = async (): Promise<boolean> =>
        Buffer.compare(slots.bytes, (await readSlots(file)).bytes) === 0;
      try {
        const judged = await attempt(slots, standsStill, isLast);
        if (judged !== null) return judged;
      } catch (error) {
        // Whether the store stands still is no matter to who does not wait for the answer.
        throwIfAbandoned(this.#paths.dir, this.#request.signal);
        // An open beside this one has a segment away from its name for a moment, and the superblock stands still.
        const isFleeting = isMissingFile(error) && count < MOVING_ATTEMPTS.min;
        if (!isFleeting && (await standsStill())) throw error;
        failure = error;
      }
      if (isLast) throw busyError(this.#paths.dir, count, environment.now() - startMs, failure);
      slots = await readSlots(file);
    }
  }

  /**
   * A slot of a newer format counts above any of ours, also where the other slot is still of ours: a newer release
   * that was stopped between its two writes may have moved what ours names.
   */
  refuseNewer(slots: readonly SuperblockVerdict[]): void {
    const version = otherVersionOf(slots, 'newer');
    if (version === null) return;
    throw this.#tally.withReport(otherFormat(this.#paths.superblock, version));
  }

  checkKind(superblock: Superblock): void {
    const { storeKind } = this.#request.layer;
    if (superblock.storeKind !== storeKind) {
      throw notALog(
        this.#paths.dir,
        `it is a store of kind '${superblock.storeKind}', expected '${storeKind}'`,
      );
    }
    if (superblock.isWalSeparate === this.#paths.isWalSeparate) return;
    if (this.#request.walDirMayDiffer === true && this.#paths.isWalSeparate) return;
    const reason = superblock.isWalSeparate
      ? 'the segments of this store are in a directory of their own: open it with walDir'
      : 'the segments of this store are inside its directory: open it without walDir, or, if it is a clone that was not written yet, make it again with toWalDir (keelson clone --to-wal-dir)';
    throw this.#segmentsMissing(this.#paths.segment(superblock.firstSegment), reason);
  }

  /**
   * Throws if no segment of a live store is in its `walDir`, whose disk is not mounted then: nothing may be made on the
   * disk below.
   */
  refuseUnmounted(superblock: Superblock, listing: StoreListing): void {
    this.checkKind(superblock);
    if (listing.numbers.length > 0) return;
    const path = this.#paths.segment(superblock.firstSegment);
    throw this.#segmentsMissing(path, segmentMissing(superblock, false));
  }

  #segmentsMissing(path: string, reason: string): KeelsonError {
    return this.#damaged('KEELSON_MISSING_SEGMENT', path, reason);
  }

  #damaged(code: Damage['code'], path: string, reason: string): KeelsonError {
    return this.#tally.damaged({ code, path, offset: 0, reason, entries: NO_ENTRIES, intact: [] });
  }

  /** Why no slot counts: another format, a lost superblock, or a store that was never live. */
  async unreadable({ slots, bytes }: FoundSlots, listing: StoreListing): Promise<KeelsonError> {
    this.refuseNewer(slots);
    const path = this.#paths.superblock;
    const older = this.#request.older?.recognise(bytes, this.#paths) ?? null;
    if (older !== null) return this.#tally.withReport(olderFormat(path, older.version));
    const version = otherVersionOf(slots, 'any');
    if (version === null) return this.withoutSuperblock(listing);
    return this.#tally.withReport(otherFormat(path, version));
  }

  /** What to say of a directory without a readable superblock. */
  async withoutSuperblock(listing: StoreListing): Promise<KeelsonError> {
    const trace =
      listing.names === null ? null : await firstTrace(this.#request.environment.disk, this.#paths, listing);
    if (trace !== null) return this.#superblockLost(trace);
    refuseStrays(listing);
    const what = listing.names === null ? 'the directory is not there' : 'no superblock is in it';
    return notALog(this.#paths.dir, what);
  }

  /** R7: no whole superblock beside what only a live store has. */
  #superblockLost(trace: string): KeelsonError {
    const path = this.#paths.superblock;
    const reason =
      trace === path
        ? 'it holds frames, as a segment does, in place of the superblock'
        : `neither slot of the superblock can be read, though ${trace} belongs to a log`;
    return this.#damaged('KEELSON_CORRUPT', path, reason);
  }
}

function newestWitness({ proven }: Superblock, mark: EndMark | null): DurableMark {
  return mark !== null && mark.lsn > proven.lsn ? mark : proven;
}
