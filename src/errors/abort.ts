import { KeelsonError } from './keelson-error.js';

/** The end of a log, for what runs beside it and is to stop then: a signal only for who asks for one, which few logs ever do. */
export class Ending {
  #hasCome = false;
  #controller: AbortController | null = null;

  get hasCome(): boolean {
    return this.#hasCome;
  }

  /** Aborts when the end comes. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#hasCome) this.#controller.abort(BY_CLOSE);
    return this.#controller.signal;
  }

  come(): void {
    this.#hasCome = true;
    this.#controller?.abort(BY_CLOSE);
  }
}

/** Nobody is shown it; of its own accord `abort` makes an error with a stack. */
const BY_CLOSE = 'the log was closed';

/** What a call that its signal abandons rejects with: `what` was abandoned; the signal's reason is the cause. */
function abortedError(what: string, signal: AbortSignal): KeelsonError {
  return new KeelsonError('KEELSON_ABORTED', `${what} was abandoned by its signal.`, {}, signal.reason);
}

/** Throws `KEELSON_ABORTED` if the signal says so. */
export function throwIfAborted(what: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(what, signal);
}

/**
 * What `work` comes to, or `KEELSON_ABORTED` as soon as the signal says so. The work itself is not stopped: who hands it
 * over sees to it that nothing of it is left behind.
 */
export function orAborted<T>(
  what: string,
  signal: AbortSignal | undefined,
  work: PromiseLike<T>,
): Promise<T> {
  if (signal === undefined) return Promise.resolve(work);
  return new Promise<T>((resolve, reject) => {
    const forget = whenAborted(signal, () => {
      reject(abortedError(what, signal));
    });
    Promise.resolve(work).then(resolve, reject).finally(forget);
  });
}

/** A signal that aborts with the first of `signals`, which may be of any realm, until `forget` is called. */
export function firstOf(signals: readonly (AbortSignal | undefined)[]): {
  readonly signal: AbortSignal;
  readonly forget: () => void;
} {
  const first = new AbortController();
  const forgets = signals.map((signal) =>
    whenAborted(signal, () => {
      first.abort(signal?.reason);
    }),
  );
  const forget = (): void => {
    for (const one of forgets) one();
  };
  return { signal: first.signal, forget };
}

/** Those who wait for one signal, behind its one listener. */
interface Waiting {
  readonly all: Set<() => void>;
  readonly tellAll: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Runs `run` when the signal aborts, at once if it has; not any more once the function returned was called.
 *
 * A signal gets one listener, whatever the number of calls under way: Node takes the eleventh for a leak, and says so.
 */
export function whenAborted(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal?.aborted === true) run();
  if (signal === undefined || signal.aborted) return () => undefined;
  const { all, tellAll } = waiting.get(signal) ?? listenTo(signal);
  // A function of its own for each call, so that one handed in twice counts twice.
  const own = (): void => {
    run();
  };
  all.add(own);
  return () => {
    if (!all.delete(own) || all.size > 0) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', tellAll);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const all = new Set<() => void>();
  const tellAll = (): void => {
    waiting.delete(signal);
    for (const one of all) one();
  };
  const found = { all, tellAll };
  waiting.set(signal, found);
  signal.addEventListener('abort', tellAll, { once: true });
  return found;
}
