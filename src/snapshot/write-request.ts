import { types } from 'node:util';
import { KeelsonError } from '../errors/index.js';
import { isCount } from '../format/integers.js';
import { LIMITS } from '../format/limits.js';

/** A snapshot to write. */
export interface SnapshotWriteRequest {
  readonly index: number;
  readonly term: number;
  /** At most 64 KiB; copied at the call. */
  readonly conf: Uint8Array;
  /**
   * All the data at once (left alone by the caller until the write has ended), or a stream of it: each
   * piece is copied before the next is pulled, so its buffer may be reused. Pieces of length 0 are skipped.
   */
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  /** How many bytes `data` must bring; fewer or more are refused. Left out: any number. */
  readonly bytes?: number | undefined;
  /** Abandons the write, also while `data` is silent. */
  readonly signal?: AbortSignal;
}

/** Refuses a request that could not be written or read back, before any I/O. */
export function checkWriteRequest({ index, term, conf, data }: SnapshotWriteRequest): void {
  if (!isCount(index)) throw invalid('index', index, 'an integer of 0..2^53-1');
  if (!isCount(term)) throw invalid('term', term, 'an integer of 0..2^53-1');
  if (!types.isUint8Array(conf)) throw invalid('conf', typeof conf, 'a Uint8Array');
  if (conf.length > LIMITS.confBytesMax) {
    throw new KeelsonError(
      'KEELSON_TOO_LARGE',
      `conf has ${String(conf.length)} bytes, expected at most ${String(LIMITS.confBytesMax)}; nothing was written.`,
      { argument: 'conf', found: conf.length, expected: LIMITS.confBytesMax },
    );
  }
  if (!types.isUint8Array(data) && !isAsyncIterable(data)) {
    throw invalid('data', typeof data, 'a Uint8Array or an async iterable of them');
  }
}

/** `KEELSON_INVALID_ARGUMENT`, named. */
export function invalid(argument: string, found: unknown, expected: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${argument} of the snapshot is ${String(found)}, expected ${expected}; nothing was written. Correct the call.`,
    { argument, found, expected },
  );
}

function isAsyncIterable(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Symbol.asyncIterator in value &&
    typeof value[Symbol.asyncIterator] === 'function'
  );
}
