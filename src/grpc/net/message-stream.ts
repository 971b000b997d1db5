import type { Readable, Writable } from 'node:stream';

/**
 * The messages of a stream, pulled one by one. Not by the stream's own iterator, which destroys it at its end: a call must
 * stay alive until its status is sent.
 *
 * @param failureOf what to throw when the stream ends with that
 * @param read what to hand out for a message, itself if left out; what it throws, whoever pulls is told
 */
export function messagesOf<Message, T = Message>(
  stream: Readable,
  failureOf: (error: unknown) => Error,
  read: (message: Message) => T = (message) => message as unknown as T,
): AsyncIterableIterator<T, void, undefined> {
  const waiting: Message[] = [];
  let end: { readonly failure: Error | null } | null = null;
  let answer: (() => void) | null = null;
  const tell = (): void => {
    answer?.();
  };
  const finish = (failure: Error | null): void => {
    end ??= { failure };
    tell();
  };
  stream.on('data', (message: Message) => {
    waiting.push(message);
    stream.pause();
    tell();
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
  const next = (): IteratorResult<T, void> | null => {
    if (waiting.length > 0) return { done: false, value: read(waiting.shift() as Message) };
    if (end === null) return null;
    if (end.failure !== null) throw end.failure;
    return { done: true, value: undefined };
  };
  return {
    next: () =>
      new Promise((resolve, reject) => {
        answer = () => {
          try {
            const step = next();
            if (step === null) return;
            answer = null;
            resolve(step);
          } catch (error) {
            answer = null;
            reject(error);
          }
        };
        tell();
        if (answer !== null) stream.resume();
      }),
    return: () => {
      end = { failure: null };
      tell();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * Writes messages in order, the next when no more than `ahead` before it have still to leave for the other side: a stream of
 * grpc-js would take 16 of any size before it said that it is full. Resolves when all have left, or when the stream takes
 * none any more; the messages are left then at once.
 */
export function writeAll<T>(
  stream: Writable,
  messages: AsyncIterable<T>,
  hasEnded: () => boolean,
  ahead: number = 0,
): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  let underWay = 0;
  let isAsking = false;
  let hasAll = false;
  let isOver = false;
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      for (const event of ENDS) stream.off(event, onEnd);
      (iterator.return?.() ?? Promise.resolve()).then(settle, reject);
    };
    // A stream that is cancelled says of what it was given neither that it left nor that it did not.
    const onEnd = (): void => {
      end(resolve);
    };
    // By functions that return, so that nothing here holds a message while its reader does not read.
    const goOn = (): void => {
      if (hasEnded() || (hasAll && underWay === 0)) onEnd();
      if (isOver || hasAll || isAsking || underWay > ahead) return;
      isAsking = true;
      iterator.next().then(take, (error: unknown) => {
        end(() => {
          reject(error);
        });
      });
    };
    const take = ({ done, value }: IteratorResult<T>): void => {
      isAsking = false;
      hasAll = done === true;
      if (!hasAll && !isOver && !hasEnded()) {
        underWay += 1;
        stream.write(value, onLeft);
      }
      goOn();
    };
    const onLeft = (): void => {
      underWay -= 1;
      goOn();
    };
    for (const event of ENDS) stream.on(event, onEnd);
    goOn();
  });
}

/** Events behind which a stream takes nothing: of a server's, of a client's, and of any. */
const ENDS = ['cancelled', 'status', 'close'] as const;
