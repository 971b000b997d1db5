import type { Readable, Writable } from 'node:stream';

/**
 * The messages of a stream, pulled one by one. Not by the stream's own iterator, which destroys it at its end: a call must
 * stay alive until its status is sent.
 *
 * @param failureOf what to throw when the stream ends with that
 */
export function messagesOf<T>(stream: Readable, failureOf: (error: unknown) => Error): AsyncIterable<T> {
  const waiting: T[] = [];
  let end: { readonly failure: Error | null } | null = null;
  let wake = (): void => undefined;
  const finish = (failure: Error | null): void => {
    end ??= { failure };
    wake();
  };
  stream.on('data', (message: T) => {
    waiting.push(message);
    stream.pause();
    wake();
  });
  stream.on('end', () => {
    finish(null);
  });
  stream.on('error', (error) => {
    finish(failureOf(error));
  });
  stream.on('cancelled', () => {
    finish(failureOf(new Error('the call was cancelled')));
  });
  stream.pause();
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const message = waiting.shift();
        if (message !== undefined) {
          yield message;
        } else if (end !== null) {
          if (end.failure !== null) throw end.failure;
          return;
        } else {
          const woken = new Promise<void>((resolve) => {
            wake = resolve;
          });
          stream.resume();
          await woken;
        }
      }
    },
  };
}

/** Writes messages no faster than they are taken; resolves when all are handed over, or when the stream takes none any more. */
export async function writeAll<T>(
  stream: Writable,
  messages: AsyncIterable<T>,
  hasEnded: () => boolean,
): Promise<void> {
  for await (const message of messages) {
    if (hasEnded()) return;
    if (!stream.write(message)) await room(stream, hasEnded);
  }
}

/** A stream that is cancelled never drains. */
function room(stream: Writable, hasEnded: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const events = ['drain', 'close', 'error', 'cancelled', 'status', 'finish'];
    const settle = (): void => {
      for (const event of events) stream.off(event, settle);
      resolve();
    };
    for (const event of events) stream.on(event, settle);
    if (hasEnded()) settle();
  });
}
