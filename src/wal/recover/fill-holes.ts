import { isNoSpace, overwriteFailed } from '../../disk/disk-failure.js';
import type { DiskFile } from '../../disk/port.js';
import { statOf } from '../../disk/told-calls.js';
import { zeroFill } from '../../disk/zero-fill.js';
import type { LogRequest } from '../log-request.js';
import type { Judgement } from './judge.js';

/** Filled first, at the very end, to see whether zeros take room at all: where a disk compresses them they never do. */
const PROBE_BYTES = 1024 * 1024;

/**
 * Fills the holes behind the end of the log, which a copy that leaves zeros out (`cp --sparse=always`, `rsync -S`) made of
 * the zeros that stood there (D3): in them the room for votes on a full disk (D7) is none, and each sync moves metadata.
 *
 * Resolves to the bytes that take no room all the same, since there is none, or since the disk keeps zeros without any. The
 * log is whole with them: a frame that finds no room there is refused. Rejects with the reason of an aborted `signal`.
 *
 * @param file the last segment, open for writing
 * @param onZeroed told of zeros as they are written
 */
export async function fillHoles(
  { environment, signal }: Pick<LogRequest, 'environment' | 'signal'>,
  { last, tail, sparseBytes }: Judgement,
  file: DiskFile,
  onZeroed: (bytes: number) => void,
): Promise<number> {
  const { path, header } = last;
  const { runUntil: from } = tail;
  const until = header.segmentBytes;
  const before = Math.min(sparseBytes, until - from);
  if (before === 0) return 0;
  const fill = async (range: { readonly from: number; readonly until: number }): Promise<void> => {
    await zeroFill(file, environment, { ...range, onStep: onZeroed, signal });
    await file.dataSync();
  };
  // At most: holes in front of the range, of zeros that the log holds, are told from those in it by nothing.
  const holeBytes = async (): Promise<number> => {
    const { size = 0, allocatedBytes = size } = (await statOf(environment.disk, path, 'a segment')) ?? {};
    return Math.min(Math.max(0, size - allocatedBytes), until - from);
  };
  try {
    const { freeBytes } = await environment.disk.statfs(path);
    if (freeBytes < before) return before;
    const probeFrom = Math.max(from, until - PROBE_BYTES);
    await fill({ from: probeFrom, until });
    if ((await holeBytes()) >= before) return before;
    await fill({ from, until: probeFrom });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    // Also out of a sync: all that was written are zeros, where zeros are read already.
    if (!isNoSpace(error))
      throw overwriteFailed('the rest of a segment', { path, offset: from }, error, { then: 'open again' });
  }
  return holeBytes();
}
