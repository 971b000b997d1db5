import { closeFile, using } from '../../disk/close-file.js';
import { pacedPieces } from '../../disk/paced-pieces.js';
import type { Awaitable, Disk, DiskFile } from '../../disk/port.js';
import { changing, reading, syncData } from '../../disk/told-calls.js';
import { writeFully } from '../../disk/write-fully.js';
import { KeelsonError } from '../../errors/index.js';
import { sameBytes } from '../../format/identity.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { headerFault } from '../segment/header-fault.js';
import { fillFrom, isMissingFile, openSegment, readSegmentHeader } from '../segment/read-segment.js';

/** A segment, and how much of its file counts. */
export interface SegmentToCopy {
  readonly header: SegmentHeader;
  readonly path: string;
  /** From its beginning on. */
  readonly bytes: number;
}

/** Read in one go. */
const COPY_BYTES = 1024 * 1024;

const COPY = 'a copy of a segment';
const AGAIN = { fate: 'The store it was copied from is as it was.', then: 'make the copy again' };

/**
 * What counts of a segment, in order, in pieces that belong to the caller. A writer beside may have used the file again
 * meanwhile: it is held against its identity before and behind, and what is not that segment any more is
 * `KEELSON_COMPACTED`; then what was handed out is none of it either.
 */
export async function* bytesOfSegment(
  disk: Disk,
  segment: SegmentToCopy,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { path, bytes } = segment;
  const file = await openToCopy(disk, segment);
  try {
    await checkIsStill(disk, file, segment);
    for (let at = 0; at < bytes; at += COPY_BYTES) {
      const part = new Uint8Array(Math.min(COPY_BYTES, bytes - at));
      await readPart(file, part, at, path);
      yield part;
    }
    await checkIsStill(disk, file, segment);
  } finally {
    await closeFile(file);
  }
}

/**
 * Copies what counts of a segment to a new file of its size; the rest is a hole. Resolved: the bytes are durable, the name is
 * not. Errors: those of {@link bytesOfSegment}, and of writing.
 */
export async function copySegment(
  disk: Disk,
  segment: SegmentToCopy,
  to: string,
  throwIfAbandoned: () => void,
): Promise<void> {
  const change = <T>(run: () => Awaitable<T>): Promise<T> => changing(COPY, { path: to }, AGAIN, run);
  await using(await change(() => disk.open(to, { access: 'write', create: 'exclusive' })), async (into) => {
    let at = 0;
    for await (const part of bytesOfSegment(disk, segment)) {
      for (const paced of pacedPieces(part, at)) {
        throwIfAbandoned();
        if (paced.at > 0) await syncData(into, COPY, AGAIN);
        await change(() => writeFully(into, paced.piece, paced.at));
      }
      at += part.length;
    }
    await change(() => into.truncate(segment.header.segmentBytes));
    await syncData(into, COPY, AGAIN);
  });
}

async function openToCopy(disk: Disk, { path, header }: SegmentToCopy): Promise<DiskFile> {
  try {
    return await openSegment(disk, path);
  } catch (error) {
    throw isMissingFile(error) ? usedAgain(path, header.number, error) : error;
  }
}

/** A segment that is retired leaves its name before its file is written again: a header that is none, under the name still, is damaged. */
async function checkIsStill(disk: Disk, file: DiskFile, { path, header }: SegmentToCopy): Promise<void> {
  const { verdict, fileBytes } = await readSegmentHeader(file);
  const isIt = verdict.kind === 'valid' && sameBytes(verdict.header.identity, header.identity);
  const isAt = async (): Promise<boolean> => (await disk.stat(path))?.id === (await file.stat()).id;
  if (!(await reading('a segment', { path }, isAt))) throw usedAgain(path, header.number);
  if (isIt) return;
  const fault = verdict.kind === 'invalid' ? headerFault(verdict, fileBytes, header.number, null) : null;
  throw fault === null ? usedAgain(path, header.number) : damaged(path, 0, fault.reason);
}

function damaged(path: string, offset: number, reason: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CORRUPT',
    `${path} is damaged at byte ${offset}: ${reason}. Nothing was changed. Run: keelson verify <dir>`,
    { path, offset },
  );
}

function usedAgain(path: string, number: number, cause?: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMPACTED',
    `segment ${number} at ${path} was dropped by its writer while it was copied. Nothing was lost. Make the copy again.`,
    { path },
    cause,
  );
}

async function readPart(from: DiskFile, into: Uint8Array, at: number, path: string): Promise<void> {
  if ((await fillFrom(from, into, at)) === into.length) return;
  throw damaged(path, at, `it ends there, expected ${into.length} bytes more`);
}
