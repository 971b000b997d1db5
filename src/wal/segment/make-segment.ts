import { changeFailed } from '../../disk/disk-failure.js';
import type { Environment } from '../../disk/environment.js';
import type { DiskFile } from '../../disk/port.js';
import { writeFully } from '../../disk/write-fully.js';
import { zeroFill, type ZeroFillOptions } from '../../disk/zero-fill.js';
import type { KeelsonError } from '../../errors/index.js';
import { encodeSegmentHeader, type SegmentHeader } from '../../format/segment-header.js';
import { closeFile } from '../../disk/close-file.js';

const AGAIN = { fate: 'The log is as it was.', then: 'save again' };

/**
 * Makes a file of `segmentBytes` zeros and syncs it, so that no later sync moves file-system metadata (D3).
 * Paced: the event loop goes on meanwhile. A failure removes the file and is `KEELSON_NO_SPACE` or
 * `KEELSON_WRITE_FAILED`; a failed sync of a file that holds nothing live yet is no more than that (D5).
 */
export async function makeZeroedFile(
  environment: Environment,
  path: string,
  segmentBytes: number,
  how: Omit<ZeroFillOptions, 'from' | 'until'>,
): Promise<DiskFile> {
  let file: DiskFile;
  try {
    file = await environment.disk.open(path, { access: 'write', create: 'exclusive' });
  } catch (error) {
    throw makeFailed(path, error);
  }
  try {
    const { stepBytes, syncEveryBytes, onStep, signal } = how;
    await zeroFill(file, environment, { until: segmentBytes, stepBytes, syncEveryBytes, onStep, signal });
    await file.dataSync();
    return file;
  } catch (error) {
    await abandon(environment, file);
    if (how.signal?.aborted === true) throw error;
    throw makeFailed(path, error);
  }
}

/** Closes and removes a file that holds nothing live. Best effort: what stays is unlinked by the next open. */
export async function abandon(environment: Environment, file: DiskFile): Promise<void> {
  await closeFile(file);
  try {
    await environment.disk.unlink(file.path);
  } catch {
    // Nothing names it, so nothing can take it for a segment.
  }
}

/** Why a new segment could not be made; the log itself is untouched (D6). */
export function makeFailed(path: string, error: unknown): KeelsonError {
  return changeFailed('a new segment', { path }, error, AGAIN);
}

/** Writes a segment's first block and syncs it: to be done before the segment is named (R6). */
export async function writeSegmentHeader(file: DiskFile, header: SegmentHeader): Promise<void> {
  await writeFully(file, encodeSegmentHeader(header), 0);
  await file.dataSync();
}
