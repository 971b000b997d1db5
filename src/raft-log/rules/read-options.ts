import { checkInteger, checkSignal, invalidArgument, readFields } from '../../errors/arguments.js';

/** Options of calls that read: each property is read once. `undefined` for all of them is none of them. */

/** Options of `entries`, with `Infinity` for no bound. */
export function readOptionsOf(options: unknown): {
  readonly bytesMax: number;
  readonly signal: AbortSignal | undefined;
} {
  const { bytesMax, signal } = fieldsOf(options, ['bytesMax', 'signal']);
  checkSignal('options.signal', signal);
  return { bytesMax: boundOf(bytesMax), signal };
}

/** Options of `entriesInMemory`. */
export function inMemoryOptionsOf(options: unknown): {
  readonly bytesMax: number;
  readonly signal: undefined;
} {
  return { bytesMax: boundOf(fieldsOf(options, ['bytesMax']).bytesMax), signal: undefined };
}

function boundOf(bytesMax: unknown): number {
  if (bytesMax === undefined || bytesMax === Infinity) return Infinity;
  if (typeof bytesMax === 'number' && Number.isSafeInteger(bytesMax) && bytesMax >= 0) return bytesMax;
  throw invalidArgument('options.bytesMax', bytesMax, 'an integer of 0 and up, or Infinity');
}

/** Options of `stream` and `streamChunks`. */
export function streamOptionsOf(options: unknown): { readonly signal: AbortSignal | undefined } {
  const { signal } = fieldsOf(options, ['signal']);
  checkSignal('options.signal', signal);
  return { signal };
}

/** Options of `openSnapshot`. */
export function openSnapshotOptionsOf(options: unknown): {
  readonly index: number | undefined;
  readonly signal: AbortSignal | undefined;
} {
  const { index, signal } = fieldsOf(options, ['index', 'signal']);
  if (index !== undefined) checkInteger('options.index', index, 1);
  checkSignal('options.signal', signal);
  return { index, signal };
}

function fieldsOf<Field extends string>(
  options: unknown,
  known: readonly Field[],
): Readonly<Record<Field, unknown>> {
  return readFields('options', options === undefined ? {} : options, known);
}
