import { payloadMatches } from '../../format/frame-payload.js';
import { readFailed } from '../../disk/disk-failure.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { reading, syncData, writeOver } from '../../disk/told-calls.js';
import { readFrameHeader } from '../../format/frame-header.js';
import { decodeSealTrailer, SEAL_TRAILER_BYTES } from '../../format/seal.js';
import type { RecoveryTally } from '../report/damage.js';
import type { Judgement } from './judge.js';
import type { LiveSegment } from '../segment/live-segment.js';
import { quarantineTail } from '../store/quarantine.js';
import { frameHeaderAt, readAt } from '../segment/read-segment.js';
import type { SegmentScan } from '../segment/scan-segment.js';

/** Bytes rewritten or zeroed in one write. */
const STEP_BYTES = 1024 * 1024;

const WHAT = 'the tail of the log';
const NEXT = { fate: 'Nothing that was acknowledged is lost.', then: 'open again' };

/**
 * Makes the judged log durable before open resolves: what no witness proves is written again, byte for byte at
 * its own place (D5: the page cache may hold what the disk does not, A7, also after a failed sync and a good one, A6), and what lies behind the end is zeroed,
 * after a copy went to quarantine (R4). One sync covers both.
 */
export async function proveTail(
  disk: Disk,
  file: DiskFile,
  { dir, epoch }: { readonly dir: string; readonly epoch: number },
  judgement: Judgement,
  tally: RecoveryTally,
): Promise<void> {
  const { tail, last: segment } = judgement;
  const hasSealBytes = tail.front !== null || (await holdsOldSeal(file, segment));
  const cutUntil = tail.stop === null ? tail.runUntil : Math.max(tail.runUntil, tail.stop.untilOffset);
  await rewriteFrames(file, segment.salt, tail);
  if (tail.stop !== null && cutUntil > tail.runUntil) {
    const bytes = await readAt(file, tail.runUntil, cutUntil - tail.runUntil);
    const { reason } = tail.stop;
    const copy = { dir, epoch, segment: segment.header.number, offset: tail.runUntil, bytes, reason };
    for (const path of await quarantineTail(disk, copy)) tally.quarantined.push(path);
    tally.cut = { path: segment.path, offset: tail.runUntil, bytes: bytes.length, reason };
    await zero(file, tail.runUntil, cutUntil);
  }
  // A seal of a clean end, or of a rotation that never happened, would lie as soon as a frame follows it.
  if (hasSealBytes)
    await zero(file, segment.header.segmentBytes - SEAL_TRAILER_BYTES, segment.header.segmentBytes);
  // Also where nothing was written: an earlier open may have died between its cut and this sync, and its zeros would
  // live only in the page cache.
  await syncData(file, WHAT, NEXT);
}

/** True if a header that is valid now stands where the run ended, and none stood there before: the tail was added to. */
export async function tailGrew(file: DiskFile, { last: segment, tail }: Judgement): Promise<boolean> {
  if (tail.stop !== null) return true;
  return (await frameHeaderAt(file, tail.runUntil, segment.salt, 'inline')) !== null;
}

/** Opens the last segment of a judged log, to prove it and to append to it. */
export function openTail(disk: Disk, { last: { path } }: Judgement): Promise<DiskFile> {
  return reading('a segment', { path }, () => disk.open(path, { access: 'write', mode: 'inline' }));
}

async function holdsOldSeal(file: DiskFile, segment: LiveSegment): Promise<boolean> {
  const from = segment.header.segmentBytes - SEAL_TRAILER_BYTES;
  if (segment.framesUntil > from) return false;
  const bytes = await readAt(file, from, SEAL_TRAILER_BYTES, 'inline');
  return decodeSealTrailer(bytes, segment.salt) !== null;
}

/**
 * Reads and writes the frames that no mark proves, so that the next sync has them to make durable. They are held
 * against what was judged: a page that left the cache since, after a failed sync, reads as the disk has it, and
 * must not be made durable in place of what open is about to show.
 */
async function rewriteFrames(file: DiskFile, salt: number, tail: SegmentScan): Promise<void> {
  const { unprovenFrom, runUntil, run } = tail;
  if (unprovenFrom === runUntil) return;
  const bytes = await readAt(file, unprovenFrom, runUntil - unprovenFrom);
  if (lastChecksum(bytes, salt) !== run.chain) {
    const changed = new Error('it reads otherwise than a moment ago');
    throw readFailed(WHAT, { path: file.path, offset: unprovenFrom }, changed);
  }
  for (let at = 0; at < bytes.length; at += STEP_BYTES)
    await writeOver(file, bytes.subarray(at, at + STEP_BYTES), unprovenFrom + at, WHAT, NEXT);
}

/** Checksum of the header of the last of these frames, which vouches for all of them; null if they are not whole. */
function lastChecksum(bytes: Uint8Array, salt: number): number | null {
  let last: number | null = null;
  for (let at = 0; at < bytes.length;) {
    const header = readFrameHeader(bytes, at, salt);
    if (header === null || (last !== null && header.chain !== last)) return null;
    const payloadFrom = at + header.headerBytes;
    at = payloadFrom + header.payloadBytes;
    if (!payloadMatches(header, bytes.subarray(payloadFrom, at), salt)) return null;
    last = header.headerChecksum;
  }
  return last;
}

async function zero(file: DiskFile, from: number, until: number): Promise<void> {
  for (let at = from; at < until; at += STEP_BYTES)
    await writeOver(file, new Uint8Array(Math.min(STEP_BYTES, until - at)), at, WHAT, NEXT);
}
