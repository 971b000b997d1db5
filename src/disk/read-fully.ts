import { isPromise, type Awaitable, type CallMode, type DiskFile } from './port.js';
import { systemError } from './system-error.js';

/**
 * Fills `into` from `position`, completing short reads (A12); resolves to the bytes read, fewer than
 * `into.length` only where the file ends. Bytes of `into` behind that count are left as they were.
 */
export function readFully(
  file: DiskFile,
  into: Uint8Array,
  position: number,
  mode: CallMode = 'background',
): Awaitable<number> {
  const count = file.read(into, position, mode);
  if (isPromise(count)) return finish(file, into, position, mode, count);
  checkCount(file, into.length, position, count);
  return count === into.length || count === 0 ? count : finish(file, into, position, mode, count);
}

async function finish(
  file: DiskFile,
  into: Uint8Array,
  position: number,
  mode: CallMode,
  first: Awaitable<number>,
): Promise<number> {
  let count = await first;
  checkCount(file, into.length, position, count);
  let filled = count;
  while (count > 0 && filled < into.length) {
    count = await file.read(into.subarray(filled), position + filled, mode);
    checkCount(file, into.length - filled, position + filled, count);
    filled += count;
  }
  return filled;
}

function checkCount(file: DiskFile, asked: number, position: number, count: number): void {
  if (Number.isInteger(count) && count >= 0 && count <= asked) return;
  throw systemError('EIO', `${count} of ${asked} bytes read at ${position}`, {
    syscall: 'read',
    path: file.path,
  });
}
