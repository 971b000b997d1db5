import { isNoSpace, overwriteFailed } from '../../disk/disk-failure.js';
import type { Environment } from '../../disk/environment.js';
import type { DiskFile } from '../../disk/port.js';
import { statOf } from '../../disk/told-calls.js';
import { zeroFill } from '../../disk/zero-fill.js';

/** Filled first, at the very end, to see whether zeros take room at all: where a disk compresses them they never do. */
const PROBE_BYTES = 1024 * 1024;

/** Which bytes of the unsealed segment hold nothing yet. */
export interface EmptyRange {
  /** The segment, open for writing. */
  readonly file: DiskFile;
  readonly from: number;
  /** The segment's end. */
  readonly until: number;
  /** How many of the segment's bytes took no room a moment ago. */
  readonly sparseBytes: number;
  /** Told of zeros as they are written. */
  readonly onZeroed: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fills the holes behind the end of the log, which a copy that leaves zeros out (`cp --sparse=always`, `rsync -S`) made of
 * the zeros that stood there (D3): in them the room for votes on a full disk (D7) is none, and each sync moves metadata.
 *
 * Resolves to the bytes that take no room all the same, since there is none, or since the disk keeps zeros without any. The
 * log is whole with them: a frame that finds no room there is refused. Rejects with the reason of an aborted `signal`.
 */
export async function fillHoles(environment: Environment, range: EmptyRange): Promise<number> {
  const { file, from, until } = range;
  const before = Math.min(range.sparseBytes, until - from);
  if (before === 0) return 0;
  try {
    const { freeBytes } = await environment.disk.statfs(file.path);
    if (freeBytes < before) return before;
    const probeFrom = Math.max(from, until - PROBE_BYTES);
    await fill(environment, { ...range, from: probeFrom });
    if ((await holeBytes(environment, range)) >= before) return before;
    await fill(environment, { ...range, until: probeFrom });
  } catch (error) {
    if (range.signal?.aborted === true) throw error;
    // Also out of a sync: all that was written are zeros, where zeros are read already.
    if (!isNoSpace(error))
      throw overwriteFailed('the rest of a segment', { path: file.path, offset: from }, error, {
        then: 'open again',
      });
  }
  return holeBytes(environment, range);
}

/** At most: holes in front of the range, of zeros that the log holds, are told from those in it by nothing. */
async function holeBytes({ disk }: Environment, { file, from, until }: EmptyRange): Promise<number> {
  const { size = 0, allocatedBytes = size } = (await statOf(disk, file.path, 'a segment')) ?? {};
  return Math.min(Math.max(0, size - allocatedBytes), until - from);
}

async function fill(environment: Environment, range: EmptyRange): Promise<void> {
  const { file, from, until, onZeroed, signal } = range;
  const how = signal === undefined ? {} : { signal };
  await zeroFill(file, environment, { from, until, onStep: onZeroed, ...how });
  await file.dataSync();
}
