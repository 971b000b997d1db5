import { ASIDE } from '../../src/disk/durable-names.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { SLOT_STAMP_FROM, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { CallNotice } from '../disk/calls/calls-to-come.js';
import type { FindingFacts } from './finding.js';

/** Where the store of a writer is. */
export interface WriterPlaces {
  readonly superblock: string;
  readonly marks: string;
  readonly walDir: string;
  readonly snapshots: string;
}

/** What a writer may not do any more, or not yet, by the order of its own calls. */
export class WriterWatch {
  /** Changes since the last look at the superblock, by process. */
  readonly #unlooked = new Map<number, number>();
  /** Processes that looked at the superblock behind a failure that latched their log. */
  readonly #lookedBehindLatch = new Set<number>();

  /**
   * D5: whatever it latched for, a log writes nothing more and changes no name. What it had looked at the epoch for before,
   * it may still do, and no look passes behind the failure; what needs none is not done at all.
   */
  behindLatch(call: CallNotice, places: WriterPlaces): FindingFacts | null {
    const { kind, path, processId } = call;
    // Another than a look at the stamps may go on with one that was begun before.
    if (path === places.superblock && kind === 'read' && call.position === SLOT_STAMP_FROM)
      this.#lookedBehindLatch.add(processId);
    const isOwn = path === places.superblock || path.startsWith(`${places.walDir}/`);
    const isChange = changesName(call, places) || (isOwn && (kind === 'write' || kind === 'rename'));
    const isMade = path.endsWith('.spare') && isZeros(call);
    const needsNoLook = kind === 'write' && (path === places.marks || (isOwn && (isMade || isFrame(call))));
    if (!needsNoLook && !(isChange && this.#lookedBehindLatch.has(processId))) return null;
    return { oracle: 'not-latched', what: `${kind} of ${path} behind a failure that latched the log` };
  }

  /**
   * D11: before a writer changes a name, or a slot, it looks at the epoch. Two activities of one writer may have looked at
   * once, and then change one behind the other; a third change in a row had no look of its own.
   */
  unlooked(call: CallNotice, places: WriterPlaces): FindingFacts | null {
    const { kind, path, processId } = call;
    if (path === places.superblock && kind === 'read') this.#unlooked.set(processId, 0);
    // What goes on inside a slot completes a short write (D4), which is no change of its own.
    const isSlot =
      path === places.superblock && kind === 'write' && (call.position ?? 0) % SUPERBLOCK_SLOT_BYTES === 0;
    if (!changesName(call, places) && !isSlot) return null;
    const count = this.#unlooked.get(processId) ?? 0;
    this.#unlooked.set(processId, count + 1);
    if (count < 2) return null;
    return {
      oracle: 'other-store',
      what: `${count} changes were made since a look at the epoch, and now ${kind} of ${path}`,
    };
  }
}

/**
 * D11: one that was replaced looks at the epoch before it changes a name, a slot, an end mark or a seal, and so changes none.
 * Zeros over a frame that found no room stand where that frame would: that neither lands is the lock's promise.
 */
export function changeBehindSuccessor(call: CallNotice, places: WriterPlaces): FindingFacts | null {
  const { kind, path } = call;
  const isOwn = path === places.superblock || path === places.marks;
  const isWritten =
    kind === 'write' && (isOwn || (isSegment(path, places) && !isFrame(call) && !isZeros(call)));
  if (!isWritten && !changesName(call, places)) return null;
  return { oracle: 'other-store', what: `a writer that was replaced makes ${kind} of ${path}` };
}

function isFrame({ bytes }: CallNotice): boolean {
  return bytes !== null && Buffer.compare(bytes.subarray(0, FRAME_MAGIC.length), FRAME_MAGIC) === 0;
}

function isZeros({ bytes }: CallNotice): boolean {
  return bytes?.every((byte) => byte === 0) === true;
}

function isSegment(path: string, { walDir }: WriterPlaces): boolean {
  return path.startsWith(`${walDir}/`) && path.endsWith('.wal');
}

/** Of what is live. A name that is made durable anew leaves and comes back: that is none. */
function changesName({ kind, path, to }: CallNotice, places: WriterPlaces): boolean {
  if (kind !== 'rename' && kind !== 'unlink') return false;
  if (path.endsWith(ASIDE) || to?.endsWith(ASIDE) === true) return false;
  const isLive = (name: string): boolean =>
    isSegment(name, places) || (name.startsWith(`${places.snapshots}/`) && name.endsWith('.snap'));
  return isLive(path) || (to !== null && isLive(to));
}
