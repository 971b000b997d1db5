import { changeFailed } from '../../disk/disk-failure.js';
import { turnEnded, type Environment } from '../../disk/environment.js';
import { syncData } from '../../disk/told-calls.js';
import { writeFully } from '../../disk/write-fully.js';
import { KeelsonError } from '../../errors/index.js';
import type { DurableMark } from '../../format/position.js';
import { rangeSums } from '../../format/range-sums.js';
import {
  decodeSealTrailer,
  encodeSeal,
  SEAL_TRAILER_BYTES,
  sealBytesOf,
  type Seal,
  type SealTrailer,
} from '../../format/seal.js';
import type { WalLayer } from '../layer.js';
import { fenceOf } from '../segment/frame-run.js';
import { readFront, type SegmentFront } from '../segment/segment-front.js';
import type { SuperblockFile } from '../store/superblock-file.js';
import type { ActiveSegment } from './active-segment.js';
import { LeftAsItWas } from './left-as-it-was.js';

const AGAIN = { fate: 'The log is as it was.', then: 'save again' };
const REOPEN = { fate: 'The log accepts no more saves.', then: 'reopen it' };

/** The sums of a seal of more are made in one turn of the event loop, and its bytes in the next: nothing is written meanwhile. */
const RECORDS_PER_TURN = 262_144;

/** A segment whose frames are all durable, to be sealed. */
export interface Sealing {
  readonly environment: Pick<Environment, 'endOfTurn'>;
  readonly active: ActiveSegment;
  readonly durable: DurableMark;
  readonly layer: WalLayer;
  readonly superblock: SuperblockFile;
}

/** Writes the index of the old segment to its end, and syncs it: its next reader is an open that will not scan it. */
export async function sealSegment(sealing: Sealing): Promise<SealTrailer> {
  const { salt } = sealing.active;
  const bytes = encodeSeal(await sealOf(sealing), salt);
  await writeSeal(sealing.active, bytes);
  const trailer = decodeSealTrailer(bytes.subarray(bytes.length - SEAL_TRAILER_BYTES), salt);
  if (trailer === null) throw new RangeError('a seal of our own cannot be read back');
  return trailer;
}

/**
 * Leaves a provisional seal behind the frames, durably, so that the next open need not go over them one by one: to be
 * called before a clean end is marked. What it sums is what was read back and proven, frame by frame, and joins what this
 * process has written. None is left where anything else stands there, which the next open judges and tells, and where there
 * is no room for one.
 */
export async function sealProvisionally(sealing: Sealing): Promise<void> {
  const { active, layer, superblock } = sealing;
  // R8: what took the place of a snapshot that the log names is told by each open anew.
  if (layer.fallback !== null) return;
  const seal = await sealOf(sealing);
  const checksums = active.index.checksums();
  const state = layer.preambleState();
  const { lowest, until, runs } = seal;
  const places = { lowest, until, runCount: runs.length / 2, provisional: { stateBytes: state.length } };
  if (active.offset + sealBytesOf(places) > active.header.segmentBytes) return;
  const front = await writtenFront(sealing);
  if (front === null) return;
  const provisional = { tailChecksum: front.checksum, entries: front.entries, checksums, state };
  const bytes = encodeSeal({ ...seal, provisional }, active.salt);
  // D11: a successor's frames may stand there by now.
  await superblock.checkFence('background');
  try {
    await writeSeal(active, bytes);
  } catch (error) {
    // The frames in front of it are as they were.
    if (!(error instanceof LeftAsItWas)) throw error;
  }
}

/** All frames of the segment, read back; null if they are not, or cannot be read as, what was written. */
async function writtenFront({ active, durable, superblock }: Sealing): Promise<SegmentFront | null> {
  const { file, header, front: before, offset, chain } = active;
  try {
    const front = await readFront(file, header, before, offset, [fenceOf(superblock.current)]);
    const { run, until } = front;
    return until === offset && run.chain === chain && run.lastLsn === durable.lsn ? front : null;
  } catch (error) {
    // Whoever needs these bytes is told when it reads them.
    if (error instanceof KeelsonError) return null;
    throw error;
  }
}

async function sealOf({ environment, active, durable, layer, superblock }: Sealing): Promise<Seal> {
  const { index } = active;
  const sums = rangeSums(index.lowest, index.checksums());
  if (index.until - index.lowest > RECORDS_PER_TURN) await turnEnded(environment);
  return {
    lowest: index.lowest,
    until: index.until,
    sums,
    offsets: index.offsets(),
    runs: layer.termRuns(index.lowest, index.until),
    lastLsn: durable.lsn,
    chain: active.chain,
    framesUntil: active.offset,
    epoch: superblock.current.epoch,
    frameCount: active.frameCount,
    resets: active.resets,
    durable,
    provisional: null,
  };
}

async function writeSeal({ file, header, path }: ActiveSegment, bytes: Uint8Array): Promise<void> {
  const from = header.segmentBytes - bytes.length;
  try {
    await writeFully(file, bytes, from);
  } catch (error) {
    throw new LeftAsItWas(changeFailed('the seal of a segment', { path, offset: from }, error, AGAIN));
  }
  // D5: this file holds acknowledged frames, so its failed sync latches.
  await syncData(file, 'the log', REOPEN);
}
