import { isShortage } from '../../disk/disk-failure.js';
import type { Environment } from '../../disk/environment.js';
import { systemError } from '../../disk/system-error.js';
import { KeelsonError } from '../../errors/index.js';
import type { SealTrailer } from '../../format/seal.js';
import { framesFrom, type SegmentHeader } from '../../format/segment-header.js';
import { ActiveSegment } from './active-segment.js';
import { closeFile } from '../../disk/close-file.js';
import { newIdentity } from '../store/begin-log.js';
import { LeftAsItWas } from './left-as-it-was.js';
import { sealedSegment, unsealedSegment, type LiveSegment } from '../segment/live-segment.js';
import { makeFailed, writeSegmentHeader } from '../segment/make-segment.js';
import { RecordIndex } from '../segment/record-index.js';
import { sealSegment, type Sealing } from './seal-segment.js';
import type { Spare, SpareSegments } from './spare-segments.js';
import { syncNames } from '../../disk/durable-names.js';
import type { StorePaths } from '../store/store-directory.js';

export interface RotationRequest extends Sealing {
  readonly environment: Environment;
  readonly paths: StorePaths;
  readonly spares: SpareSegments;
  /** Size of the new segment's file, and the usual size, from which the reserve follows. */
  readonly segmentBytes: number;
  readonly usualBytes: number;
}

export interface Rotated {
  /** The old segment, now sealed. */
  readonly sealed: LiveSegment;
  readonly segment: LiveSegment;
  readonly active: ActiveSegment;
  readonly recycled: boolean;
}

/**
 * Moves the log to a new segment (D6): the old one is durable already, since groups are written one by one; it
 * is sealed; the new one is written and synced, then its name, then the superblock names it; only what this
 * returns moves any id in memory. A failure before the superblock write leaves the log as it was.
 */
export async function rotateSegment(request: RotationRequest): Promise<Rotated> {
  const { environment, paths, superblock, spares, active, durable } = request;
  const spare = await takeSpare(spares, request.segmentBytes);
  const header = headerOf(request, spare);
  const path = paths.segment(header.number);
  let trailer: SealTrailer;
  try {
    await superblock.checkFence('background');
    trailer = await sealSegment(request);
    await writeHeader(spare, header);
    // D11: who was succeeded since the first look must not put its segment in the place of the other's.
    await superblock.checkFence('background');
    await nameSpare(environment, spare, path);
    // From here on a failure latches, but for a shortage: whether the name is durable is not known.
    try {
      await syncNames(environment.disk, paths.walDir);
      await superblock.write({ newestSegment: header.number, proven: durable });
    } catch (error) {
      await takeNameBack(request, spare, path, error);
    }
  } catch (error) {
    // A log that latched removes nothing any more: what is left over, the next open finds.
    if (error instanceof LeftAsItWas) await spares.discard(spare);
    else await closeFile(spare.file);
    throw error;
  }
  const index = new RecordIndex(header.end.lastIndex + 1);
  const begun = framesFrom(header.state.length);
  const segment = unsealedSegment(path, header, index, header.firstLsn - 1, begun);
  const last = { chain: active.chain, frameCount: 0, resets: false, runs: 0, front: null };
  const sealed = sealedSegment(active.path, active.header, trailer);
  await closeFile(active.file);
  return {
    sealed,
    segment,
    active: new ActiveSegment(segment, spare.file, last, request.usualBytes),
    recycled: spare.recycled,
  };
}

async function takeSpare(spares: SpareSegments, bytes: number): Promise<Spare> {
  try {
    return await spares.take(bytes);
  } catch (error) {
    if (error instanceof KeelsonError) throw new LeftAsItWas(error);
    throw error;
  }
}

function headerOf(request: RotationRequest, spare: Spare): SegmentHeader {
  const { active, durable, superblock, environment, layer } = request;
  return {
    lineage: active.header.lineage,
    identity: newIdentity(environment),
    number: active.header.number + 1,
    segmentBytes: spare.bytes,
    firstLsn: durable.lsn + 1,
    chain: active.chain,
    epoch: superblock.current.epoch,
    durable,
    end: { lastIndex: durable.lastIndex, lastTerm: durable.lastTerm },
    state: layer.preambleState(),
  };
}

/** The spare gets its header, durably; a failure leaves the log as it was (D6). */
async function writeHeader(spare: Spare, header: SegmentHeader): Promise<void> {
  try {
    await writeSegmentHeader(spare.file, header);
  } catch (error) {
    throw new LeftAsItWas(makeFailed(spare.file.path, error));
  }
}

/** And then its name; a failure leaves the log as it was (D6). */
async function nameSpare(environment: Environment, spare: Spare, path: string): Promise<void> {
  const { disk } = environment;
  try {
    // Whatever stands there, an open left it alone or somebody put it there since: it is not ours to replace.
    if ((await disk.stat(path)) !== null) throw nameTaken(path);
    await disk.rename(spare.file.path, path);
  } catch (error) {
    throw new LeftAsItWas(makeFailed(spare.file.path, error));
  }
}

/**
 * Where there is no descriptor to sync its name with, or no room to name it in the superblock, the segment is none: the
 * log goes on in the old one, behind its seal. A crash may bring the name back; what it names joins the end as an empty
 * segment, or does not join it any more: an open that no superblock tells of it asks the frames, and not the seal.
 */
async function takeNameBack(
  { environment, superblock }: RotationRequest,
  spare: Spare,
  path: string,
  error: unknown,
): Promise<never> {
  if (!(error instanceof KeelsonError) || !isShortage(error)) throw error;
  // D11: a successor may have found it by now, and go on in it.
  await superblock.checkFence('background');
  await environment.disk.rename(path, spare.file.path);
  throw new LeftAsItWas(error);
}

function nameTaken(path: string): Error {
  const message = 'a file stands already where the next segment is to be, and nothing replaces it';
  return systemError('EEXIST', message, { syscall: 'rename', path });
}
