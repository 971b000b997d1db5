import { join } from 'node:path';
import { isShortage } from '../../disk/disk-failure.js';
import type { Environment, Timer } from '../../disk/environment.js';
import type { DiskFile } from '../../disk/port.js';
import { spareName } from '../../format/names.js';
import { closeFile } from '../../disk/close-file.js';
import { Ending } from '../../errors/index.js';
import { abandon, makeZeroedFile } from '../segment/make-segment.js';
import type { LogRequest } from '../log-request.js';
import type { WalObserver } from '../report/observer.js';
import type { WalCounters } from '../report/wal-counters.js';

/** A file ready to become a segment: zero-filled or recycled, synced, not yet named as one. */
export interface Spare {
  readonly file: DiskFile;
  readonly bytes: number;
  readonly recycled: boolean;
}

/** Retired files kept for reuse beside the one spare that is prepared; more would hold space for nothing. */
const RECYCLED_KEPT = 2;
/** Spares are numbered by epoch, so that a writer that lost its lock never touches one of its successor's (D11). */
const SPARES_AN_EPOCH = 1_000_000;
/** Milliseconds from a try to make a spare that failed to the next, whoever asks for it, and whatever failed. */
const RETRY_MS = 1000;
/** Refusals in a row after which a save that needs a segment keeps to that too. */
const REFUSALS_BELIEVED = 2;
/** A spare that nobody waits for is begun only where this many of it have room: the last room is for what is refused. */
const ROOM_FOR = 2;

/** A try that failed, or was not begun for want of room. */
interface FailedTry {
  /** Null: it was not begun. */
  readonly error: unknown;
  readonly bytes: number;
  /** Room there was when it had failed; null if the disk did not say. */
  readonly freeBytes: number | null;
  /** When the next one may be made. */
  readonly untilMs: number;
}

/**
 * The segments to come. One spare of the usual size is made in the background before it is needed, so that
 * rotation need not wait for zeros; segments that compaction retired are used again before any is made.
 */
export class SpareSegments {
  readonly #environment: Environment;
  readonly #walDir: string;
  readonly #segmentBytes: number;
  readonly #zeroSyncBytes: number | undefined;
  readonly #counters: WalCounters;
  readonly #end = new Ending();
  readonly #ready: Spare[] = [];
  #making: Promise<void> | null = null;
  #retry: Timer | null = null;
  #nextNumber: number;
  #failedTry: FailedTry | null = null;
  /** Times in a row that a segment was asked for and refused: from the first on a spare is worth all the room it takes. */
  #refusals = 0;
  /** Told when a spare is there again after room was lacking, for a spare or for anything else. */
  #onSpaceBack: () => void = () => undefined;
  #lacksSpace = false;

  constructor(
    environment: Environment,
    walDir: string,
    { segmentBytes, zeroSyncBytes }: Pick<LogRequest, 'segmentBytes' | 'zeroSyncBytes'>,
    epoch: number,
    counters: WalCounters,
  ) {
    this.#environment = environment;
    this.#walDir = walDir;
    this.#segmentBytes = segmentBytes;
    this.#zeroSyncBytes = zeroSyncBytes;
    this.#counters = counters;
    this.#nextNumber = epoch * SPARES_AN_EPOCH + 1;
  }

  /** Tells `observer` when room is back. What this returns tells it all else, and notes each refusal on the way. */
  watchedBy(observer: WalObserver): WalObserver {
    this.#onSpaceBack = () => {
      observer.onSpaceBack();
    };
    return {
      ...observer,
      onShortage: (error) => {
        this.noteRefusal();
        observer.onShortage(error);
      },
      onFailed: (error) => {
        // D5: it writes nothing more, and nobody may try again.
        this.#end.come();
        this.#retry?.cancel();
        this.#retry = null;
        observer.onFailed(error);
      },
    };
  }

  /**
   * Begins to make a spare if there is none, and the last try is long enough ago. Never throws: a rotation that needs
   * one will try and say why.
   */
  prepare(): void {
    if (this.#ready.length > 0 || this.#making !== null || this.#end.hasCome) return;
    if (this.#failedTry !== null && this.#environment.now() < this.#failedTry.untilMs) return;
    this.#making = this.#makeReady().finally(() => {
      this.#making = null;
    });
  }

  async #makeReady(): Promise<void> {
    const bytes = this.#segmentBytes;
    try {
      const freeBytes = await this.#freeBytes();
      const neededBytes = this.#refusals > 0 ? bytes : ROOM_FOR * bytes;
      if (freeBytes !== null && freeBytes < neededBytes) {
        this.#noteFailed(null, bytes, freeBytes);
        if (this.#lacksSpace) this.#tryLater();
      } else this.#add(await this.#try(bytes));
    } catch (error) {
      // Once room was lacking someone waits to be told, whatever else keeps the next tries from saying so.
      if (this.#lacksSpace || isShortage(error)) this.#tryLater();
    }
  }

  async #try(bytes: number): Promise<Spare> {
    try {
      const spare = await this.#make(bytes);
      this.#failedTry = null;
      return spare;
    } catch (error) {
      this.#noteFailed(error, bytes, await this.#freeBytes());
      throw error;
    }
  }

  #noteFailed(error: unknown, bytes: number, freeBytes: number | null): void {
    this.#failedTry = { error, bytes, freeBytes, untilMs: this.#environment.now() + RETRY_MS };
  }

  /** A hint and no more (A15): a quota may leave less, and what is free now may be taken before it is written. */
  async #freeBytes(): Promise<number | null> {
    try {
      return (await this.#environment.disk.statfs(this.#walDir)).freeBytes;
    } catch {
      return null;
    }
  }

  /**
   * The error of a try so recent that another would only fail again: room that was lacking is lacking still. One
   * failure is not held against the save that comes next (D6); who goes on asking waits like everybody else.
   */
  async #sameFailure(bytes: number): Promise<FailedTry | null> {
    const failed = this.#failedTry;
    if (this.#refusals < REFUSALS_BELIEVED) return null;
    if (failed === null || failed.error === null || bytes < failed.bytes) return null;
    if (this.#environment.now() >= failed.untilMs) return null;
    if (failed.freeBytes === null || failed.freeBytes >= bytes) return failed;
    // What is free is not told any more: the directory may be gone, which only another try finds out.
    return ((await this.#freeBytes()) ?? Infinity) >= bytes ? null : failed;
  }

  /** D7: tried again on a timer too, since a log that refuses saves may see none that would. */
  #tryLater(): void {
    this.#lacksSpace = true;
    if (this.#end.hasCome) return;
    this.#retry ??= this.#environment.setTimer(RETRY_MS, () => {
      this.#retry = null;
      if (this.#ready.length > 0) this.#tellSpaceBack();
      else {
        this.prepare();
        // A try that failed since, or a timer that is early, keeps this one from being made: who waits is not forgotten.
        if (this.#making === null) this.#tryLater();
      }
    });
  }

  /**
   * Something was refused for want of room that a spare in hand says nothing of: a write in place on a disk that
   * allocates late, a seal, a snapshot. Who was refused waits to be told that it may try again.
   */
  noteRefusal(): void {
    this.#tryLater();
  }

  #add(spare: Spare): void {
    this.#ready.push(spare);
    this.#tellSpaceBack();
  }

  #tellSpaceBack(): void {
    if (!this.#lacksSpace) return;
    this.#lacksSpace = false;
    this.#onSpaceBack();
  }

  async #make(bytes: number): Promise<Spare> {
    const path = this.#nextPath();
    const file = await makeZeroedFile(this.#environment, path, bytes, {
      syncEveryBytes: this.#zeroSyncBytes,
      onStep: (count) => {
        this.#counters.zeroFilled(count);
      },
      signal: this.#end.signal,
    });
    return { file, bytes, recycled: false };
  }

  #nextPath(): string {
    const path = join(this.#walDir, spareName(this.#nextNumber));
    this.#nextNumber += 1;
    return path;
  }

  /** A spare of at least `bytes`: waits for one that is being made, or makes one. `KEELSON_NO_SPACE` if it cannot. */
  async take(bytes: number): Promise<Spare> {
    if (bytes <= this.#segmentBytes) {
      if (this.#ready.length === 0 && this.#making !== null) await this.#making;
      const ready = this.#ready.shift();
      if (ready !== undefined) return this.#handOut(ready);
    }
    try {
      const neededBytes = Math.max(bytes, this.#segmentBytes);
      const failed = await this.#sameFailure(neededBytes);
      if (failed !== null) throw failed.error;
      const spare = await this.#try(neededBytes);
      this.#tellSpaceBack();
      return this.#handOut(spare);
    } catch (error) {
      this.#refusals += 1;
      if (isShortage(error)) this.#tryLater();
      throw error;
    }
  }

  #handOut(spare: Spare): Spare {
    this.#refusals = 0;
    return spare;
  }

  /** Gives back a spare that did not become a segment. */
  async discard(spare: Spare): Promise<void> {
    await abandon(this.#environment, spare.file);
  }

  /** True if a retired segment of that size would be kept for reuse. */
  wants(bytes: number): boolean {
    return bytes === this.#segmentBytes && this.#ready.length < RECYCLED_KEPT && !this.#end.hasCome;
  }

  /**
   * Takes over a segment that this process retired (D3). It keeps its old bytes: they bear an identity that no
   * header names any more. The file at `path` was synced often; nothing of it is needed.
   */
  async recycle(path: string): Promise<void> {
    const sparePath = this.#nextPath();
    await this.#environment.disk.rename(path, sparePath);
    const file = await this.#environment.disk.open(sparePath, { access: 'write' });
    this.#add({ file, bytes: this.#segmentBytes, recycled: true });
  }

  /** Stops making, and removes what is there: a leftover would be unlinked by the next open anyway. */
  async close(removes: boolean): Promise<void> {
    this.#end.come();
    this.#retry?.cancel();
    this.#retry = null;
    await this.#making;
    for (const spare of this.#ready.splice(0)) {
      if (removes) await this.discard(spare);
      else await closeFile(spare.file);
    }
  }
}
