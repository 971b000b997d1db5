import { types } from 'node:util';
import { turnEnded, type Environment } from '../disk/environment.js';
import { KeelsonError, orAborted, throwIfAborted } from '../errors/index.js';
import { lackOfBytes, plainBytes } from '../errors/given-bytes.js';
import { pullingFor } from './inside-data.js';
import { begin, endEarly, letGo } from './let-go.js';

/** After so many pieces the event loop gets a turn, since pieces that are ready at once would never let it have one. */
const PIECES_A_TURN = 64;

/** What the data of a snapshot is pulled for, and until when. */
export interface PullRequest {
  /** The host's: all at once, or a stream. */
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  /** How many bytes it must bring, if that is known. */
  readonly bytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whose snapshot it is: calls from inside the data are told by it, see {@link isInsideDataOf}. */
  readonly owner: object;
  readonly environment: Pick<Environment, 'endOfTurn'>;
  /** Takes one piece; the next is pulled when it has resolved. */
  readonly take: (piece: Uint8Array) => Promise<void>;
}

/**
 * Hands the bytes of `data` to `take`, piece by piece, and pulls no further piece before `take` is done with
 * the last, so that the caller's iterable may reuse its buffer and runs at the pace of the disk.
 *
 * Whatever the iterable throws is thrown on, that very value. It is always ended, by its `return()`, unless it came to its
 * end by itself; nothing waits for that. Errors: `KEELSON_ABORTED` (at once, also while the iterable is silent),
 * `KEELSON_INVALID_ARGUMENT` for what is no iterable of `Uint8Array`, or one of fewer or more than `bytes`.
 */
export async function pullData(request: PullRequest): Promise<void> {
  const { data, signal } = request;
  try {
    throwIfAborted('the snapshot', signal);
  } catch (error) {
    letGo(() => data);
    throw error;
  }
  if (types.isUint8Array(data)) {
    checkCount(request, data.length, true);
    await request.take(data);
    return;
  }
  const begun = iteratorOf(data);
  try {
    await pullingFor(request.owner, (next) => pullAll(request, () => next(() => step(begun, signal))));
  } catch (error) {
    endEarly(data, begun.iterator);
    throw error;
  }
}

async function pullAll(request: PullRequest, next: () => Promise<Step>): Promise<void> {
  let bytes = 0;
  for (let count = 1; ; count += 1) {
    const { isDone, value } = await next();
    if (isDone) {
      checkCount(request, bytes, true);
      return;
    }
    const piece = pieceOf(value);
    bytes += piece.length;
    checkCount(request, bytes, false);
    await request.take(piece);
    if (count % PIECES_A_TURN === 0) await turnEnded(request.environment);
    throwIfAborted('the snapshot', request.signal);
  }
}

/** An iterator of the host's, and its `next` as it was read, once. */
interface Begun {
  readonly iterator: object;
  readonly next: (this: unknown) => unknown;
}

function iteratorOf(data: AsyncIterable<unknown>): Begun {
  const iterator = begin(data);
  const next = isObject(iterator) ? iterator['next'] : undefined;
  if (isObject(iterator) && typeof next === 'function') return { iterator, next: next as Begun['next'] };
  throw wrongData('has an async iterator without next()', 'an async iterable of Uint8Array');
}

/** One answer of the iterable, each of its properties read once. */
interface Step {
  readonly isDone: boolean;
  readonly value: unknown;
}

async function step({ iterator, next }: Begun, signal: AbortSignal | undefined): Promise<Step> {
  const coming = Promise.resolve(Reflect.apply(next, iterator, []));
  const answer: unknown = await orAborted('the snapshot', signal, coming);
  if (!isObject(answer)) throw wrongData(`answered next() with ${typeof answer}`, 'an object');
  const isDone = Boolean(answer['done']);
  return { isDone, value: isDone ? undefined : answer['value'] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** What the memory of a piece holds, whatever a subclass says of it. */
function pieceOf(piece: unknown): Uint8Array {
  const lack = lackOfBytes(piece);
  if (lack === null) return plainBytes(piece as Uint8Array);
  const found = piece === null ? 'null' : typeof piece;
  throw wrongData(`yielded a value of type ${found}`, lack, found);
}

/** A stream that is cut short, in good order, by what lies between two servers must not become a snapshot. */
function checkCount({ bytes }: PullRequest, found: number, isEnd: boolean): void {
  if (bytes === undefined || found === bytes || (found < bytes && !isEnd)) return;
  const what = isEnd && found < bytes ? `ended after ${found} bytes` : `has at least ${found} bytes`;
  throw wrongData(what, `${bytes} (bytes of the request)`, found, 'Get it again, whole.');
}

function wrongData(what: string, expected: string, found?: unknown, next = 'Correct it.'): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `data of the snapshot ${what}, expected ${expected}; the snapshot was not made. ${next}`,
    { argument: 'data', found, expected },
  );
}
