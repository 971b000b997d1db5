import { join } from 'node:path';
import { removeName, renewName, syncNames } from '../../disk/durable-names.js';
import type { HeldDisk, HeldEnvironment } from '../../disk/held-disk.js';
import { setAside } from '../../disk/set-aside.js';
import { KeelsonError } from '../../errors/index.js';
import { IDENTITY_BYTES } from '../../format/identity.js';
import { parseWalFileName, QUARANTINE_DIRECTORY_NAME, SUPERBLOCK_NAME } from '../../format/names.js';
import { NOTHING_DURABLE } from '../../format/position.js';
import { UNWRITTEN_SUPERBLOCK, type Superblock } from '../../format/superblock.js';
import type { WalLayer } from '../layer.js';
import { openAs } from '../open-as.js';
import type { SegmentedLog } from '../segmented-log.js';
import { newIdentity } from '../store/begin-log.js';
import { lockStore, type StoreLock } from '../store/lock-store.js';
import { keepInQuarantine } from '../store/quarantine.js';
import { listStore, restoreAsides, type StorePaths } from '../store/store-directory.js';
import { readSlots, SuperblockFile } from '../store/superblock-file.js';
import { buildBeside } from './build-beside.js';
import type { Replacement } from './older-stores.js';
import { requestBeside } from './request-beside.js';
import { holdsSegmentOf } from './set-segments-aside.js';

/** A run of frames that replay can begin at, up to its last LSN. */
interface Stretch {
  readonly lineage: Uint8Array | null;
  /** What is known of where the present epoch began. */
  readonly superblock: Pick<Superblock, 'fenceEpoch' | 'fenceLsn'> | null;
  readonly fromSegment: number;
  readonly toSegment: number;
  readonly lastLsn: number;
}

/** What takes the place of the damaged log. */
interface NewLog {
  readonly epoch: number;
  readonly segmentBytes: number;
  readonly layer: WalLayer;
  readonly replacement: Replacement;
}

/** What the superblock must have said, by what the segments say (R7). */
type KnownSlots = Pick<
  Superblock,
  'epoch' | 'fenceEpoch' | 'fenceLsn' | 'firstSegment' | 'newestSegment' | 'proven'
> & { readonly lineage: Uint8Array | null };

/** The segments that the damaged log is made of. */
interface OldLog {
  readonly lineage: Uint8Array | null;
  /** The first that is live. */
  readonly first: number;
  /** Of all there are: a new log begins above. */
  readonly highest: number;
}

/**
 * A store that is locked to be repaired: how its old files give way to new ones, one durable step after the other, so that
 * a crash at any of them leaves the store as it was, or repaired, or such that another repair completes it. What is kept
 * is the affair of who asks.
 */
export class StoreUnderRepair {
  readonly environment: HeldEnvironment;
  readonly #disk: HeldDisk;
  readonly #paths: StorePaths;
  /** In the quarantine: of this repair. */
  readonly #folderName: string;
  readonly #lock: StoreLock;

  private constructor(environment: HeldEnvironment, paths: StorePaths, folderName: string, lock: StoreLock) {
    this.environment = environment;
    this.#disk = environment.disk;
    this.#paths = paths;
    this.#folderName = folderName;
    this.#lock = lock;
  }

  /** Locks it, and makes the names in it durable. `KEELSON_LOCKED`, .. */
  static async lock(
    environment: HeldEnvironment,
    paths: StorePaths,
    folderName: string,
  ): Promise<StoreUnderRepair> {
    const { disk } = environment;
    const lock = await lockStore(disk, paths);
    try {
      for (const { path, id } of lock.files) disk.holdId(path, id);
      await restoreAsides(disk, paths, await listStore(disk, paths));
      await syncNames(disk, paths.dir);
      await syncNames(disk, paths.walDir).catch(ignoreMissing);
      return new StoreUnderRepair(environment, paths, folderName, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  release(): Promise<void> {
    return this.#lock.release();
  }

  /** Superblock and end marks are written over, not moved: with their copies the files in quarantine are a store again. */
  keepWrittenOver(note: string): Promise<readonly string[]> {
    const { dir, superblock, marks } = this.#paths;
    return keepInQuarantine(this.#disk, this.#folderIn(dir), [superblock, marks], note);
  }

  /**
   * D11: a writer that lost its lock acknowledges nothing from here on. Stamps above `seen`, the highest epoch before the
   * lock, and above those of who opened the store since. Where no slot is whole there is nothing to stamp.
   */
  async stamp(seen: number): Promise<void> {
    const nonce = newIdentity(this.environment);
    const file = await this.#openSlots();
    if (file === null) return;
    await file.renew();
    await file.writeBoth({ epoch: Math.max(seen, file.current.epoch) + 1, nonce });
  }

  /** R7: both slots. Until one is whole the store is as it was. */
  async rebuildSlots({ lineage, ...known }: KnownSlots): Promise<void> {
    const superblock: Superblock = {
      ...UNWRITTEN_SUPERBLOCK,
      ...known,
      storeKind: 'raft',
      lineage: lineage ?? new Uint8Array(IDENTITY_BYTES),
      storeId: newIdentity(this.environment),
      nonce: newIdentity(this.environment),
      isWalSeparate: this.#paths.isWalSeparate,
    };
    const { bytes } = await readSlots(this.#lock.superblock);
    await renewName(this.#disk, this.#paths.dir, SUPERBLOCK_NAME);
    await syncNames(this.#disk, this.#paths.dir);
    await new SuperblockFile(this.#lock.superblock, superblock, bytes, 1).writeBoth({});
  }

  /**
   * Builds a new log beside the old one, makes it count by one write of the superblock, and moves the segments of the old
   * one and `others` to the quarantine behind that. Returns the paths there; what found no room stays, for the next open.
   */
  async replaceLog(
    old: OldLog,
    { epoch, segmentBytes, layer, replacement }: NewLog,
    others: readonly string[],
  ): Promise<readonly string[]> {
    const { walDir, isWalSeparate } = this.#paths;
    const request = requestBeside(this.environment, this.#paths, segmentBytes, layer);
    const build = (): Promise<Superblock> => buildBeside(request, replacement, epoch);
    const replaced = await this.#segmentPaths();
    if (isWalSeparate) await this.#makeWalFolder();
    const moved = await this.#clearSpares(old);
    const file = await this.#switch(old, build);
    // D11: the superblock is ours; a writer that took the store over would have written it.
    for (const path of [...replaced, ...others])
      for (const to of await this.#moveAside(file, path)) moved.push(to);
    await syncNames(this.#disk, walDir);
    return moved;
  }

  /** A stretch as a log of its own, for reading: as if the store began and ended with it. Throws its damage. */
  openStretch(stretch: Stretch, layer: WalLayer): Promise<SegmentedLog> {
    const { lineage, superblock, fromSegment, toSegment, lastLsn } = stretch;
    const request = { ...requestBeside(this.environment, this.#paths, 0, layer), readOnly: true };
    const numbers = Array.from({ length: toSegment - fromSegment + 1 }, (_, at) => fromSegment + at);
    return openAs(
      request,
      {
        ...UNWRITTEN_SUPERBLOCK,
        lineage: lineage ?? new Uint8Array(),
        storeKind: layer.storeKind,
        epoch: 0,
        fenceEpoch: superblock?.fenceEpoch ?? 0,
        fenceLsn: superblock?.fenceLsn ?? Infinity,
        firstSegment: fromSegment,
        newestSegment: toSegment,
        isWalSeparate: this.#paths.isWalSeparate,
      },
      { present: new Set(numbers), mark: NOTHING_DURABLE, untilLsn: lastLsn },
    );
  }

  async #openSlots(): Promise<SuperblockFile | null> {
    const { superblock } = this.#lock;
    return SuperblockFile.of(superblock, await readSlots(superblock));
  }

  #folderIn(root: string): string {
    return join(root, QUARANTINE_DIRECTORY_NAME, this.#folderName);
  }

  async #makeWalFolder(): Promise<void> {
    const { dir, walDir } = this.#paths;
    const note = `The segments of a log that was repaired; why.txt beside its superblock says more: ${dir}/${QUARANTINE_DIRECTORY_NAME}/${this.#folderName}\n`;
    await keepInQuarantine(this.#disk, this.#folderIn(walDir), [], note);
  }

  /** All of them: what is not in the range is left over from a rotation, or from a repair that did not end. */
  async #segmentPaths(): Promise<string[]> {
    const { segments } = await listStore(this.#disk, this.#paths);
    const numbers = [...segments].sort((a, b) => a - b);
    return numbers.map((number) => this.#paths.segment(number));
  }

  /** As an open does: they are prepared, or retired. One that bears a segment in the range was exchanged with it. */
  async #clearSpares({ lineage, first }: OldLog): Promise<string[]> {
    const moved: string[] = [];
    for (const name of (await listStore(this.#disk, this.#paths)).spares) {
      const path = join(this.#paths.walDir, name);
      const isLost = lineage !== null && (await holdsSegmentOf(this.#disk, path, lineage, first));
      if (!isLost) await removeName(this.#disk, path);
      else for (const to of await this.#moveAside(null, path)) moved.push(to);
    }
    return moved;
  }

  /** None if there is no room: then it stays, and the next open moves it. */
  async #moveAside(file: SuperblockFile | null, path: string): Promise<readonly string[]> {
    await file?.checkFence('background');
    const folder = join(this.#paths.quarantineOf(path), this.#folderName);
    const note = `A repair made a new log in its place; why.txt says what was kept. It was moved here from ${path}, and nothing deletes it.\n`;
    const to = await setAside({ disk: this.#disk, path, folder, note });
    return to === null ? [] : [to];
  }

  /** Writes the new log beside the old, and makes it count. */
  async #switch({ highest }: OldLog, build: () => Promise<Superblock>): Promise<SuperblockFile> {
    const file = await this.#openSlots();
    if (file === null) throw new RangeError('a repair has lost the superblock that it wrote');
    let built: Superblock;
    try {
      built = await build();
    } catch (error) {
      // It held nothing that is not in the old log, and would take the room of another try.
      await this.#removeAbove(highest).catch(() => undefined);
      throw error;
    }
    // It is the same store, by whatever log it goes on.
    const { storeId, origin } = file.current;
    await file.writeBoth({ ...built, storeId, origin });
    return file;
  }

  async #removeAbove(highest: number): Promise<void> {
    const { walDir } = this.#paths;
    for (const { name } of await this.#disk.readdir(walDir)) {
      const parsed = parseWalFileName(name);
      const isOurs = (parsed.kind === 'segment' || parsed.kind === 'spare') && parsed.number > highest;
      if (isOurs) await removeName(this.#disk, join(walDir, name));
    }
  }
}

/** A directory of segments that is gone altogether has no names to sync. */
function ignoreMissing(error: unknown): void {
  if (error instanceof KeelsonError && error.details.systemCode === 'ENOENT') return;
  throw error;
}
