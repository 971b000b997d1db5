import { types } from 'node:util';

/** Streams that are seen to: who pulls one ends it, and one that was let go has ended. */
const seenTo = new WeakSet();

/** A stream of a host, whose way to iterate was read once. */
export class HostStream implements AsyncIterable<Uint8Array> {
  readonly #given: object;
  readonly #iterate: (this: unknown) => unknown;

  /** @param iterate - the `[Symbol.asyncIterator]` of `given` */
  constructor(given: object, iterate: unknown) {
    this.#given = given;
    this.#iterate = iterate as (this: unknown) => unknown;
  }

  /** Begins to pull it: from here on who pulls it ends it. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    seenTo.add(this.#given);
    return Reflect.apply(this.#iterate, this.#given, []) as AsyncIterator<Uint8Array>;
  }

  /** As {@link letGo}, and for one that was begun, the `destroy` of a stream of Node. */
  destroy(): void {
    letGo(() => this.#given);
    call(this.#given, 'destroy');
  }
}

/** Begins to pull a stream. */
export function begin(data: AsyncIterable<unknown>): unknown {
  seenTo.add(data);
  return data[Symbol.asyncIterator]();
}

/**
 * Ends a stream that nobody will pull, so that the file or connection behind it is not left open: by its `return`
 * (a generator), its `destroy` (a stream of Node) or the `return` of its iterator. One that was begun is left to who pulls it.
 * Never throws, and waits for nothing.
 */
export function letGo(dataOf: () => unknown): void {
  ignoring(() => {
    const data = dataOf();
    if (typeof data !== 'object' || data === null || types.isUint8Array(data) || seenTo.has(data)) return;
    seenTo.add(data);
    if (call(data, 'return') || call(data, 'destroy')) return;
    const iterate: unknown = Reflect.get(data, Symbol.asyncIterator);
    if (typeof iterate === 'function') call(Reflect.apply(iterate, data, []), 'return');
  });
}

/**
 * Ends a stream that was begun. Its clean-up may wait for whatever it likes, so it is not waited for: what a host's
 * iterable does must not keep a log from closing.
 */
export function endEarly(data: unknown, iterator: unknown): void {
  ignoring(() => call(iterator, 'return'));
  // A stream of Node that is silent inside next() comes to its return() only when it speaks again.
  ignoring(() => call(data, 'destroy'));
}

/** True if there was such a method; what it throws or rejects with is nobody's business any more. */
function call(target: unknown, name: string): boolean {
  if (typeof target !== 'object' || target === null) return false;
  const method: unknown = Reflect.get(target, name);
  if (typeof method !== 'function') return false;
  const ended: unknown = Reflect.apply(method, target, []);
  Promise.resolve(ended).catch(() => undefined);
  return true;
}

function ignoring(run: () => void): void {
  try {
    run();
  } catch {
    // The call was refused or has failed already, and that is what its caller is told.
  }
}
