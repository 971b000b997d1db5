import { isPromise, type Awaitable, type CallMode, type DiskFile } from './port.js';
import { systemError } from './system-error.js';

/**
 * Writes all of `bytes` at `position`, completing short writes (A12, D4).
 *
 * Returned (or resolved): every byte is with the kernel; nothing is said about a crash. Thrown (or
 * rejected): any part of the range may have been written. A write that makes no progress is an `EIO`, since
 * trying again for ever would hold up every save behind it.
 */
export function writeFully(
  file: DiskFile,
  bytes: Uint8Array,
  position: number,
  mode: CallMode = 'background',
): Awaitable<void> {
  // The usual case, one whole write, costs neither a copy nor a turn of the event loop.
  const written = file.write(bytes, position, mode);
  if (isPromise(written)) return finish(file, bytes, position, mode, written);
  checkProgress(file, bytes.length, position, written);
  return written === bytes.length ? undefined : finish(file, bytes, position, mode, written);
}

async function finish(
  file: DiskFile,
  bytes: Uint8Array,
  position: number,
  mode: CallMode,
  first: Awaitable<number>,
): Promise<void> {
  let written = await first;
  checkProgress(file, bytes.length, position, written);
  while (written < bytes.length) {
    const count = await file.write(bytes.subarray(written), position + written, mode);
    checkProgress(file, bytes.length - written, position + written, count);
    written += count;
  }
}

function checkProgress(file: DiskFile, asked: number, position: number, written: number): void {
  if (Number.isInteger(written) && written <= asked && (written > 0 || asked === 0)) return;
  throw systemError('EIO', `${written} of ${asked} bytes written at ${position}`, {
    syscall: 'write',
    path: file.path,
  });
}
