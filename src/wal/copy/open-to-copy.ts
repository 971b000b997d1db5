import type { HeldEnvironment } from '../../disk/held-disk.js';
import type { CheckpointFile } from '../../format/checkpoint-file.js';
import type { DurableMark } from '../../format/position.js';
import type { WalLayer } from '../layer.js';
import { openAs } from '../open-as.js';
import { openReadOnly } from '../open-segmented-log.js';
import type { OpenRequest } from '../open-request.js';
import type { SegmentedLog } from '../segmented-log.js';
import { listStore, type StorePaths } from '../store/store-directory.js';
import { requestBeside } from '../switch/request-beside.js';
import { readCheckpointFile, superblockOf } from './read-checkpoint.js';

/**
 * How long, and how often, to look whether a writer beside has said that all is durable that was written at the first look:
 * it does so within a tenth of a second. One that died never will.
 */
const WITNESSED_WITHIN_MS = 500;
const LOOKS_MIN = 5;
const LOOK_AGAIN_MS = 20;

/** Where a store, or a checkpoint, stands that a copy is made of. */
export interface PlaceToCopy {
  readonly environment: HeldEnvironment;
  readonly paths: StorePaths;
  /** Read sealed segments too, and hold them against their checksums. */
  readonly readsAll: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A store or a checkpoint opened for reading: a log as it was at one LSN, and what a copy has to know of it. */
export interface LogToCopy {
  /** Null: of a checkpoint that names no segment. */
  readonly log: SegmentedLog | null;
  readonly lineage: Uint8Array;
  /** Its end. */
  readonly proven: DurableMark;
  /** The highest that the source may have used. */
  readonly highest: { readonly epoch: number; readonly segment: number };
  readonly segmentBytes: number;
  /** Segments that are not there and not needed. */
  readonly skipped: readonly string[];
  /** Null: it is no checkpoint. */
  readonly checkpoint: CheckpointFile | null;
}

/**
 * Opens a store or a checkpoint to copy it. Changes nothing, takes no lock, safe beside a live writer.
 *
 * Errors: those of a read-only open; for a checkpoint also `KEELSON_CORRUPT` and `KEELSON_INCOMPATIBLE_FORMAT` of its own file.
 *
 * @param layer takes what the log holds
 */
export async function openToCopy(place: PlaceToCopy, layer: WalLayer): Promise<LogToCopy> {
  const { environment, paths, readsAll, signal } = place;
  const verifyOnOpen = readsAll ? 'all' : 'tail';
  const beside = requestBeside(environment, paths, 0, layer);
  const request = { ...beside, readOnly: true, walDirMayDiffer: true, verifyOnOpen, signal } as const;
  const file = await readCheckpointFile(environment.disk, paths.dir);
  return file === null ? openStore(request) : openCheckpoint(request, file);
}

async function openStore(request: OpenRequest): Promise<LogToCopy> {
  const { log, judged } = await openWitnessed(request);
  const { superblock, judgement, listing } = judged;
  const { lineage, newestSegment, firstSegment } = superblock;
  const live = judgement.segments.map(({ header }) => header);
  const numbers = [...live.map(({ number }) => number), ...listing.segments];
  const segment = numbers.reduce((highest, number) => Math.max(highest, number), newestSegment);
  return {
    log,
    lineage,
    proven: log.durable,
    highest: { epoch: judgement.highestEpoch, segment },
    segmentBytes: live.reduce((bytes, header) => Math.min(bytes, header.segmentBytes), Infinity),
    skipped: pathsOf(request, firstSegment, live[0]?.number ?? firstSegment),
    checkpoint: null,
  };
}

/** All that a writer beside had acknowledged before the call is in it, unless its end marks cannot be written (D12), or are not, since it has failed (D5). */
async function openWitnessed(request: OpenRequest): ReturnType<typeof openReadOnly> {
  const { environment } = request;
  const untilMs = environment.now() + WITNESSED_WITHIN_MS;
  let writtenLsn: number | undefined;
  for (let looks = 1; ; looks += 1) {
    const opened = await openReadOnly(request);
    writtenLsn ??= opened.judged.writtenLsn ?? 0;
    const isLate = looks >= LOOKS_MIN && environment.now() >= untilMs;
    if (opened.log.durable.lsn >= writtenLsn || isLate) return opened;
    await opened.log.close();
    await new Promise<void>((resolve) => {
      environment.setTimer(LOOK_AGAIN_MS, resolve, true);
    });
  }
}

/** The segments that a checkpoint names, as a log for reading that ends where it was taken. Throws their damage. */
async function openCheckpoint(request: OpenRequest, file: CheckpointFile): Promise<LogToCopy> {
  const { environment, paths, layer } = request;
  const { lineage, proven, highest, segmentBytes, state, segments } = file;
  const known = { lineage, proven, highest, segmentBytes, checkpoint: file };
  const [first] = segments;
  if (first === undefined) {
    layer.restorePreamble({ state, end: proven, firstLsn: proven.lsn + 1 }, true);
    await layer.judged({ lineage });
    return { ...known, log: null, skipped: [] };
  }
  const { segments: present } = await listStore(environment.disk, paths);
  const superblock = superblockOf(file, paths.isWalSeparate);
  const log = await openAs(request, superblock, { present, mark: proven, untilLsn: proven.lsn });
  return { ...known, log, skipped: pathsOf(request, first.number, log.copies.range.oldest) };
}

function pathsOf({ paths }: OpenRequest, from: number, until: number): readonly string[] {
  const numbers = Array.from({ length: Math.max(0, until - from) }, (_, at) => from + at);
  return numbers.map((number) => paths.segment(number));
}
