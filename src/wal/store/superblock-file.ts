import { readFailed, writeFailed } from '../../disk/disk-failure.js';
import { isPromise, type Awaitable, type CallMode, type DiskFile } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { reading, syncData, writeOver } from '../../disk/told-calls.js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import { sameBytes } from '../../format/identity.js';
import type { DurableMark } from '../../format/position.js';
import { FORMAT_VERSION } from '../../format/segment-header.js';
import {
  decodeSuperblock,
  encodeSuperblock,
  SLOT_STAMP_FROM,
  SLOT_STAMP_UNTIL,
  SUPERBLOCK_BYTES,
  SUPERBLOCK_SLOT_BYTES,
  type Superblock,
  type SuperblockVerdict,
} from '../../format/superblock.js';

const STAMP_BYTES = SLOT_STAMP_UNTIL - SLOT_STAMP_FROM;
/**
 * From the stamp of the first slot to the end of that of the second: a look at the fence is the one read of each save. Two
 * reads, of the stamps alone, take as long as this one of all that stands between them.
 */
const STAMPS_BYTES = SUPERBLOCK_SLOT_BYTES + STAMP_BYTES;

export interface FoundSlots {
  readonly bytes: Uint8Array;
  readonly slots: readonly SuperblockVerdict[];
}

/** Both slots as they stand on the disk. Short or missing ones are blank. */
export async function readSlots(file: DiskFile): Promise<FoundSlots> {
  const bytes = new Uint8Array(SUPERBLOCK_BYTES);
  // Inline, as all small reads of an open: to wait for a thread takes many times as long.
  await reading('the superblock', { path: file.path }, () => readFully(file, bytes, 0, 'inline'));
  return { bytes, slots: slotsOf(bytes) };
}

function slotsOf(bytes: Uint8Array): [SuperblockVerdict, SuperblockVerdict] {
  return [
    decodeSuperblock(bytes.subarray(0, SUPERBLOCK_SLOT_BYTES)),
    decodeSuperblock(bytes.subarray(SUPERBLOCK_SLOT_BYTES, SUPERBLOCK_BYTES)),
  ];
}

/** The newer of the valid slots; null if none is. */
export function newestSlot(slots: readonly SuperblockVerdict[]): Superblock | null {
  let newest: Superblock | null = null;
  for (const slot of slots) {
    if (slot.kind !== 'valid') continue;
    if (newest === null || slot.superblock.generation > newest.generation) newest = slot.superblock;
  }
  return newest;
}

/**
 * The epoch of a writer other than `own` that a slot names; 0 if it names none. A release of a newer format that has
 * begun to write it is a successor too; of two that stamped one epoch at the same moment each is the other's (D11).
 */
function epochOfAnother(slot: SuperblockVerdict, own: Superblock): number {
  if (slot.kind === 'other-version') return slot.version > FORMAT_VERSION ? Infinity : 0;
  if (slot.kind === 'invalid') return 0;
  const { epoch, nonce } = slot.superblock;
  return epoch > own.epoch || (epoch === own.epoch && !sameBytes(nonce, own.nonce)) ? epoch : 0;
}

/** True if both stamps are the same; what stands between them changes with them alone. */
function sameStamps(a: Uint8Array, b: Uint8Array): boolean {
  for (let first = 0; first < STAMP_BYTES; first += 1) {
    const second = SUPERBLOCK_SLOT_BYTES + first;
    if (a[first] !== b[first] || a[second] !== b[second]) return false;
  }
  return true;
}

/** What a change may say: all but the counter that this file keeps. */
export type SuperblockChange = Partial<Omit<Superblock, 'generation'>>;

const REOPEN = {
  fate: 'The log accepts no more saves; recovery decides what the disk holds.',
  then: 'reopen it',
};

/** The open superblock of the one writer: writes its slots in turn, and looks whether a successor wrote them. */
export class SuperblockFile {
  readonly file: DiskFile;
  #current: Superblock;
  /** Which of the slots holds `current`. */
  #currentSlot: number;
  /** What both slots hold as far as this writer knows: the fence is looked at once after every sync. */
  readonly #known: Uint8Array;
  readonly #knownStamps: Uint8Array;
  /** For the next look at the fence; null while one is under way, which then has it alone. */
  #idleStamps: Uint8Array | null = new Uint8Array(STAMPS_BYTES);
  #writing: Promise<void> = Promise.resolve();
  #latched: KeelsonError | null = null;

  /**
   * @param known the bytes of both slots
   * @param currentSlot which of them holds `current`, 0 or 1
   */
  constructor(file: DiskFile, current: Superblock, known: Uint8Array, currentSlot: number) {
    this.file = file;
    this.#current = current;
    this.#known = known.slice();
    this.#knownStamps = this.#known.subarray(SLOT_STAMP_FROM, SLOT_STAMP_FROM + STAMPS_BYTES);
    this.#currentSlot = currentSlot;
  }

  /** The newest of the slots that were read, to be written by the one who holds the file locked; null if none is whole. */
  static of(file: DiskFile, { slots, bytes }: Pick<FoundSlots, 'slots' | 'bytes'>): SuperblockFile | null {
    const newest = newestSlot(slots);
    if (newest === null) return null;
    const at = slots.findIndex((slot) => slot.kind === 'valid' && slot.superblock === newest);
    return new SuperblockFile(file, newest, bytes, at);
  }

  get current(): Superblock {
    return this.#current;
  }

  /** Writes the change to the older slot and syncs it. Changes wait for each other. Latches nothing itself. */
  write(change: SuperblockChange): Promise<void> {
    return this.#inTurn(() => this.#writeSlot(change));
  }

  /** Writes that everything up to `durable` is on stable storage, unless that is written already. */
  async witness(durable: DurableMark): Promise<void> {
    if (this.#current.proven.lsn < durable.lsn) await this.write({ proven: durable });
  }

  /**
   * Writes the newest slot again, byte for byte at its own place, and syncs it: it may live only in the page cache,
   * after a failed sync say, and then the older slot is the only whole one on the disk (D5). To be done before
   * that one is written over.
   */
  renew(): Promise<void> {
    return this.#inTurn(() => {
      const offset = this.#currentSlot * SUPERBLOCK_SLOT_BYTES;
      return this.#put(this.#known.slice(offset, offset + SUPERBLOCK_SLOT_BYTES), offset);
    });
  }

  /** Writes the change to both slots, one by one: for what must not be forgotten. */
  writeBoth(change: SuperblockChange): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writeSlot(change);
      await this.#writeSlot({});
    });
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(run);
    // A failure reaches its own caller; the next change must still get its turn.
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  async #writeSlot(change: SuperblockChange): Promise<void> {
    // D11: what a successor stamped must not be written over.
    await this.checkFence('inline');
    // Changes come in the order in which their callers looked at what is durable: none knows less than the one before it.
    const next = { ...this.#current, ...change, generation: this.#current.generation + 1 };
    const slot = 1 - this.#currentSlot;
    try {
      await this.#set(slot, next);
    } catch (error) {
      if (isKeelsonError(error, 'KEELSON_NO_SPACE')) await this.#takeBack(slot, next.generation);
      throw error;
    }
  }

  async #set(slot: number, superblock: Superblock): Promise<void> {
    const bytes = encodeSuperblock(superblock);
    await this.#put(bytes, slot * SUPERBLOCK_SLOT_BYTES);
    this.#known.set(bytes, slot * SUPERBLOCK_SLOT_BYTES);
    this.#current = superblock;
    this.#currentSlot = slot;
  }

  /**
   * Of a write that found no room a part may have landed, and all that counts of a slot stands in its first bytes: it would
   * name what its caller takes back. Then what was true before is written over it, or the log latches.
   */
  async #takeBack(slot: number, generation: number): Promise<void> {
    // What stands there now may be a successor's (D11).
    await this.checkFence('background');
    const offset = slot * SUPERBLOCK_SLOT_BYTES;
    const until = offset + SUPERBLOCK_SLOT_BYTES;
    const { bytes } = await readSlots(this.file);
    if (sameBytes(bytes.subarray(offset, until), this.#known.subarray(offset, until))) return;
    try {
      await this.#set(slot, { ...this.#current, generation });
    } catch (error) {
      throw writeFailed('the superblock', { path: this.file.path, offset }, error, REOPEN);
    }
  }

  async #put(bytes: Uint8Array, offset: number): Promise<void> {
    // For want of room the other slot stands, and is the newest.
    await writeOver(this.file, bytes, offset, 'the superblock', REOPEN);
    await syncData(this.file, 'the superblock', REOPEN, offset);
  }

  /** D5: the log has failed, and no look at the fence passes any more: each change, and each acknowledgement, waits for one. */
  latch(failure: KeelsonError): void {
    this.#latched = failure;
  }

  /**
   * Throws `KEELSON_FENCED` if a slot names a higher epoch than ours: another writer has opened the store, and
   * nothing that we wrote since may be acknowledged (D11). Of a log that has latched it throws what that latched for.
   */
  checkFence(mode: CallMode): Awaitable<void> {
    if (this.#latched !== null) throw this.#latched;
    const stamps = this.#idleStamps ?? new Uint8Array(STAMPS_BYTES);
    this.#idleStamps = null;
    const count = this.#read(stamps, SLOT_STAMP_FROM, mode);
    return isPromise(count)
      ? this.#judgeStampsRead(stamps, count, mode)
      : this.#judgeStamps(stamps, count, mode);
  }

  async #judgeStampsRead(stamps: Uint8Array, count: Promise<number>, mode: CallMode): Promise<void> {
    await this.#judgeStamps(stamps, await count, mode);
  }

  #judgeStamps(stamps: Uint8Array, count: number, mode: CallMode): Awaitable<void> {
    this.#idleStamps = stamps;
    if (count === STAMPS_BYTES && sameStamps(stamps, this.#knownStamps)) return undefined;
    return this.#judgeSlots(mode);
  }

  #judgeSlots(mode: CallMode): Awaitable<void> {
    const bytes = new Uint8Array(SUPERBLOCK_BYTES);
    const count = this.#read(bytes, 0, mode);
    const judge = (): void => {
      this.#judgeFence(bytes);
    };
    if (isPromise(count)) return count.then(judge);
    judge();
    return undefined;
  }

  #read(into: Uint8Array, position: number, mode: CallMode): Awaitable<number> {
    try {
      const count = readFully(this.file, into, position, mode);
      return isPromise(count) ? this.#orUnread(count) : count;
    } catch (error) {
      throw this.#fenceUnread(error);
    }
  }

  async #orUnread(count: Promise<number>): Promise<number> {
    try {
      return await count;
    } catch (error) {
      throw this.#fenceUnread(error);
    }
  }

  #fenceUnread(error: unknown): KeelsonError {
    return readFailed(
      'the superblock, to see whether another writer has taken over,',
      { path: this.file.path },
      error,
    );
  }

  #judgeFence(bytes: Uint8Array): void {
    if (Buffer.compare(bytes, this.#known) === 0) return;
    // A slot of our own that is being written right now reads as the old, the new, or neither.
    const slots = slotsOf(bytes);
    const found = slots.reduce((epoch, slot) => Math.max(epoch, epochOfAnother(slot, this.#current)), 0);
    if (found === 0 && slots.some((slot) => slot.kind === 'valid')) return;
    throw new KeelsonError(
      'KEELSON_FENCED',
      `another writer has opened this store: ${this.file.path} names epoch ${found}${found === this.#current.epoch ? ' as its own' : ''}, this log has ${this.#current.epoch}. ` +
        'Whether saves under way were kept is decided by what the other found. Close this log, and make sure that only one process uses the directory.',
      { path: this.file.path, found, expected: this.#current.epoch },
    );
  }
}
