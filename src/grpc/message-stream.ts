/**
 * Messages of the other side, each asked for when it is wanted: who does not pull is not sent to, and nothing is read ahead.
 * One is pulled at a time.
 */
export class Incoming<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #ask: () => void;
  readonly #leave: () => void;
  #wanted: {
    readonly resolve: (step: IteratorResult<T, void>) => void;
    readonly reject: (why: Error) => void;
  } | null = null;
  #end: { readonly failure: Error | null } | null = null;

  /**
   * @param ask - has the next one, or the end, come
   * @param leave - who pulls wants no more
   */
  constructor(ask: () => void, leave: () => void = () => undefined) {
    this.#ask = ask;
    this.#leave = leave;
  }

  /** Somebody waits for one. */
  get isWanted(): boolean {
    return this.#wanted !== null;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, void>> {
    return new Promise((resolve, reject) => {
      this.#wanted = { resolve, reject };
      if (this.#end === null) this.#ask();
      else this.#tellEnd();
    });
  }

  /** One has come that was asked for. */
  take(value: T): void {
    this.#wanted?.resolve({ done: false, value });
    this.#wanted = null;
  }

  /** There are no more, with a failure if one is given. Of several ends the first counts. */
  end(failure: Error | null): void {
    this.#end ??= { failure };
    this.#tellEnd();
  }

  #tellEnd(): void {
    const failure = this.#end?.failure ?? null;
    if (failure === null) this.#wanted?.resolve({ done: true, value: undefined });
    else this.#wanted?.reject(failure);
    this.#wanted = null;
  }

  return(): Promise<IteratorResult<T, void>> {
    if (this.#end === null) this.#leave();
    this.end(null);
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** Messages that are being sent. */
export interface Sending {
  /** Resolves when all have left, or behind `stop`; rejects with what the messages failed by. */
  readonly done: Promise<void>;
  /** Nothing is taken any more on the other side: the messages are left at once. */
  readonly stop: () => void;
}

/** Sends messages in order, the next when no more than `ahead` before it have still to leave for the other side. */
export function sendAll<T>(
  messages: AsyncIterable<T>,
  send: (message: T, onLeft: () => void) => void,
  ahead: number = 0,
): Sending {
  const iterator = messages[Symbol.asyncIterator]();
  let underWay = 0;
  let isAsking = false;
  let hasAll = false;
  let isOver = false;
  let end: (failure: Error | null) => void = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    end = (failure) => {
      if (isOver) return;
      isOver = true;
      const settle = (): void => {
        if (failure === null) resolve();
        else reject(failure);
      };
      (iterator.return?.() ?? Promise.resolve()).then(settle, reject);
    };
  });
  // By functions that return, so that nothing here holds a message while its reader does not read.
  const goOn = (): void => {
    if (hasAll && underWay === 0) end(null);
    if (isOver || hasAll || isAsking || underWay > ahead) return;
    isAsking = true;
    iterator.next().then(take, end);
  };
  const take = (step: IteratorResult<T, void>): void => {
    isAsking = false;
    hasAll = step.done === true;
    if (step.done !== true && !isOver) {
      underWay += 1;
      send(step.value, onLeft);
    }
    goOn();
  };
  const onLeft = (): void => {
    underWay -= 1;
    goOn();
  };
  goOn();
  return {
    done,
    stop: () => end(null),
  };
}
