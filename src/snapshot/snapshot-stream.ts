import { KeelsonError, orAborted } from '../errors/index.js';

type Chunk = Uint8Array<ArrayBuffer>;

/** Which snapshot is read, and until when. */
export interface SnapshotStreamRequest {
  /** As messages call it. */
  readonly name: string;
  /** Its data; asked for once, when the reading begins. */
  readonly chunks: () => AsyncGenerator<Chunk, void>;
  /** Frees what the reading holds, also where it never began. Never rejects. */
  readonly letGo: () => Promise<void>;
  /** Ends the reading with `KEELSON_ABORTED`. */
  readonly signal: AbortSignal | undefined;
  /** Told once, when nothing of it is open any more. */
  readonly onEnd: (stream: SnapshotStream) => void;
}

/**
 * The data of one open snapshot. It can be run through once; a second run is an error, since it would otherwise look like a
 * snapshot without data. It ends by itself at the end of the data and by an error, and else by {@link close} or by the
 * `return()` of its iterator, which `break` in a `for await` calls.
 *
 * Errors of `next()`: those of the chunks, `KEELSON_ABORTED`, `KEELSON_CLOSED`; `KEELSON_INVALID_ARGUMENT` for a second run.
 */
export class SnapshotStream implements AsyncIterable<Chunk, undefined> {
  readonly #request: SnapshotStreamRequest;
  #isTaken = false;
  #hasEnded = false;
  #closing: Promise<void> | null = null;

  constructor(request: SnapshotStreamRequest) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk, undefined> {
    if (this.#isTaken) return refusing(secondRun(this.#request.name));
    this.#isTaken = true;
    const chunks = this.#request.chunks();
    const next = (): Promise<IteratorResult<Chunk, undefined>> => this.#next(chunks);
    const end = async (): Promise<IteratorResult<Chunk, undefined>> => {
      this.#hasEnded = true;
      await this.close();
      return { done: true, value: undefined };
    };
    return { next, return: end };
  }

  async #next(chunks: AsyncGenerator<Chunk, void>): Promise<IteratorResult<Chunk, undefined>> {
    if (this.#hasEnded) return { done: true, value: undefined };
    const { name, signal } = this.#request;
    try {
      this.throwIfClosed();
      const step = await orAborted(`reading ${name}`, signal, chunks.next());
      // What was read while it was closed is whole, but who closed it wants no more of it.
      this.throwIfClosed();
      if (step.done !== true) return step;
    } catch (error) {
      this.#hasEnded = true;
      // A read that the close cut off has failed for no other reason.
      const isClosed = this.#closing !== null;
      const closing = this.close();
      // A read that hangs would keep the one waiting who gave it up.
      if (signal?.aborted !== true) await closing;
      throw isClosed ? closed(name) : error;
    }
    this.#hasEnded = true;
    await this.close();
    return { done: true, value: undefined };
  }

  /** Throws `KEELSON_CLOSED` once {@link close} was called. */
  throwIfClosed(): void {
    if (this.#closing !== null) throw closed(this.#request.name);
  }

  /** Ends the reading: resolved, nothing of it is open any more. Idempotent, never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#request.letGo();
    this.#request.onEnd(this);
  }
}

function refusing(error: KeelsonError): AsyncIterator<Chunk, undefined> {
  return { next: () => Promise.reject(error) };
}

function secondRun(name: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `the data of ${name} was run through before, and can be once. Open the snapshot again.`,
    { argument: 'data' },
  );
}

function closed(name: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CLOSED',
    `${name} was closed, or its log was; no more of it is read. Open it again.`,
  );
}
