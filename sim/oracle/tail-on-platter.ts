import { FRAME_MAGIC, lastLsnOf, readFrameHeader } from '../../src/format/frame-header.js';
import { parseWalFileName } from '../../src/format/names.js';
import { decodeSegmentHeader, segmentSalt } from '../../src/format/segment-header.js';
import { findNode } from '../disk/image/paths.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { Finding } from './finding.js';

const MAGIC = Buffer.from(FRAME_MAGIC);

/**
 * R4 and R10, as the platter shows them the moment an open has resolved: the frames of the tail that it shows are
 * there, and none that it does not show is left, neither there nor in the page cache.
 */
export function checkTail(disk: SimulatedDisk, walDir: string, lastLsn: number, by: string): void {
  const path = tailOf(disk, walDir);
  if (path === null) return;
  const seen = asBuffer(disk.readVolatile(path));
  const kept = asBuffer(disk.readDurable(path));
  const verdict = decodeSegmentHeader(seen);
  if (verdict.kind !== 'valid') return;
  const salt = segmentSalt(verdict.header.identity);
  for (const [bytes, where] of [
    [seen, 'in the page cache'],
    [kept, 'on the platter'],
  ] as const) {
    for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
      const header = readFrameHeader(bytes, at, salt);
      if (header === null) continue;
      const until = at + header.headerBytes + header.payloadBytes;
      if (lastLsnOf(header) > lastLsn) {
        if (bytes === kept && mayHide(disk)) continue;
        const what = `${by} shows the log up to LSN ${lastLsn}, but ${where} LSN ${header.firstLsn} still stands in ${path} at ${at}`;
        throw new Finding({ oracle: 'tail-not-durable', what });
      }
      if (seen.subarray(at, until).equals(kept.subarray(at, until))) continue;
      const what = `${by} shows LSN ${header.firstLsn}, but what a power cut would leave of ${path} at ${at}..${until} is something else`;
      throw new Finding({ oracle: 'tail-not-durable', what });
    }
  }
}

/** D4, D7: of a save that was refused for want of room nothing is left, where the next one is written. */
export function checkRefused(disk: SimulatedDisk, walDir: string, lastLsn: number, by: string): void {
  const path = tailOf(disk, walDir);
  const seen = path === null ? null : disk.readVolatile(path);
  if (path === null || seen === null) return;
  const verdict = decodeSegmentHeader(seen);
  if (verdict.kind !== 'valid') return;
  const bytes = asBuffer(seen);
  const salt = segmentSalt(verdict.header.identity);
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const header = readFrameHeader(bytes, at, salt);
    if (header === null || lastLsnOf(header) <= lastLsn) continue;
    const what = `behind ${by} the log goes on from LSN ${lastLsn}, and LSN ${header.firstLsn} of a save that was refused stands in ${path} at ${at}`;
    throw new Finding({ oracle: 'tail-not-durable', what });
  }
}

/** R4: a copy of a torn tail that an open tells of lasts, since what it was copied from is gone. */
export function checkTailCopies(disk: SimulatedDisk, quarantined: readonly string[], by: string): void {
  for (const path of quarantined) {
    if (!path.includes('/tail-')) continue;
    const kept = disk.readDurable(path);
    if (kept !== null && asBuffer(kept).equals(asBuffer(disk.readVolatile(path)))) continue;
    // Nor has anything if the name of the directory is not durable, behind a sync that failed.
    if (kept === null && disk.counters['sync-failed'] > 0) continue;
    const what = `${by} tells of the copy ${path}, but a power cut would leave ${kept === null ? 'no such name' : 'other bytes'}`;
    throw new Finding({ oracle: 'tail-not-durable', what });
  }
}

/**
 * Whether the platter may hold what no read shows: the sync of a cut failed, and the page cache keeps its zeros. No store
 * can see that; the epoch, which began at the LSN of the cut, keeps such frames out of the run (D11).
 */
function mayHide({ counters }: SimulatedDisk): boolean {
  return counters['sync-failed'] > 0;
}

/** The same memory: what a disk shows is a copy already. */
function asBuffer(bytes: Uint8Array | null): Buffer {
  return bytes === null ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The segment with the highest number. */
function tailOf(disk: SimulatedDisk, walDir: string): string | null {
  const directory = findNode(disk.fs, walDir, 'open');
  if (directory?.kind !== 'directory') return null;
  let last: string | null = null;
  for (const name of directory.volatile.keys())
    if ((last === null || name > last) && parseWalFileName(name).kind === 'segment') last = name;
  return last === null ? null : `${walDir}/${last}`;
}
