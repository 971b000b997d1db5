import { types } from 'node:util';
import { KeelsonError } from '../errors/index.js';

/**
 * Hands the bytes of `data` to `take`, piece by piece, and pulls no further piece before `take` is done with
 * the last, so that the caller's iterable may reuse its buffer and runs at the pace of the disk.
 *
 * Whatever the iterable throws is thrown on, that very value. It is always ended, by its `return()`, unless
 * it came to its end by itself. Errors: `KEELSON_ABORTED` (at once, also while the iterable is silent),
 * `KEELSON_INVALID_ARGUMENT` for a piece that is not a `Uint8Array`.
 */
export async function pullData(
  data: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal);
  if (types.isUint8Array(data)) {
    await take(data);
    return;
  }
  const iterator = data[Symbol.asyncIterator]();
  let isWaiting = false;
  try {
    for (;;) {
      isWaiting = true;
      const step = await nextOrAborted(iterator, signal);
      isWaiting = false;
      if (step.done === true) return;
      checkPiece(step.value);
      await take(step.value);
      throwIfAborted(signal);
    }
  } catch (error) {
    const ended = endEarly(iterator);
    // A generator that is silent inside next() answers return() only when it speaks again, perhaps never.
    if (!(isWaiting && signal?.aborted === true)) await ended;
    throw error;
  }
}

/** Throws `KEELSON_ABORTED` if the signal says so. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

async function nextOrAborted(
  iterator: AsyncIterator<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Uint8Array, unknown>> {
  if (signal === undefined) return await iterator.next();
  throwIfAborted(signal);
  let onAbort: (() => void) | undefined;
  const abortion = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(aborted(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([iterator.next(), abortion]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

async function endEarly(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // What ended the write is the error to tell; one that the clean-up adds would hide it.
  }
}

function checkPiece(piece: unknown): asserts piece is Uint8Array {
  if (types.isUint8Array(piece)) return;
  const found = piece === null ? 'null' : typeof piece;
  throw new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `data of the snapshot yielded a value of type ${found}, expected Uint8Array; the snapshot was not made. ` +
      'Correct the iterable.',
    { argument: 'data', found, expected: 'Uint8Array' },
  );
}

function aborted(signal: AbortSignal): KeelsonError {
  return new KeelsonError(
    'KEELSON_ABORTED',
    'the snapshot was aborted by its signal; nothing of it was kept.',
    {},
    signal.reason,
  );
}
