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

/**
 * Writes messages one by one, the next when the one before has left for the other side: a stream of grpc-js would take 16 of
 * any size before it said that it is full. Resolves when all have left, or when the stream takes none any more.
 */
export async function writeAll<T>(
  stream: Writable,
  messages: AsyncIterable<T>,
  hasEnded: () => boolean,
): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  let settle = (): void => undefined;
  // A stream that is cancelled says of what it was given neither that it left nor that it did not.
  const onEnd = (): void => {
    settle();
  };
  for (const event of ENDS) stream.on(event, onEnd);
  // By functions that return, so that nothing here holds a message while its reader does not read.
  const write = (message: T): Promise<boolean> =>
    new Promise((resolve) => {
      settle = (): void => {
        resolve(true);
      };
      stream.write(message, onEnd);
      if (hasEnded()) settle();
    });
  const writeNext = (): Promise<boolean> =>
    iterator.next().then((step) => (step.done === true || hasEnded() ? false : write(step.value)));
  try {
    while (await writeNext());
  } finally {
    for (const event of ENDS) stream.off(event, onEnd);
    await iterator.return?.();
  }
}

/** Events behind which a stream takes nothing. */
const ENDS = ['close', 'error', 'cancelled', 'status', 'finish'] as const;
