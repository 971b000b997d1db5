import { AsyncLocalStorage } from 'node:async_hooks';

/** One stream of a host that is being pulled. */
interface Pulling {
  /** For whom. */
  readonly owner: object;
  /** Its `next()` was called and has not settled: whatever waits for the end of this stream now may be that very call. */
  isPending: boolean;
  readonly outer: Pulling | undefined;
}

/**
 * Which stream of a host a call comes out of. A snapshot that is taken from inside the data of another waits for the end of
 * that data, and so for itself; only here can it be told from one that merely comes at the same time.
 */
const context = new AsyncLocalStorage<Pulling | undefined>();
/** Streams whose `next()` has not settled; only inside one of those is anything inside data. */
let pendingCount = 0;

/** Runs `pull`, which calls each `next()` of the host's stream through the function it gets. */
export async function pullingFor<T>(
  owner: object,
  pull: (next: <R>(call: () => Promise<R>) => Promise<R>) => Promise<T>,
): Promise<T> {
  const pulling: Pulling = { owner, isPending: false, outer: context.getStore() };
  return await pull(async (call) => {
    pulling.isPending = true;
    pendingCount += 1;
    try {
      return await context.run(pulling, call);
    } finally {
      pulling.isPending = false;
      pendingCount -= 1;
      // What follows calls through promises costs every promise of the process something, so not a moment longer: not
      // while the piece is written either, which on a disk that hangs would be for ever.
      if (pendingCount === 0) context.disable();
    }
  });
}

/** True if the caller is code that a stream, pulled for `owner`, runs to bring its next piece. */
export function isInsideDataOf(owner: object): boolean {
  if (pendingCount === 0) return false;
  for (let pulling = context.getStore(); pulling !== undefined; pulling = pulling.outer)
    if (pulling.owner === owner && pulling.isPending) return true;
  return false;
}

/** Runs `run` as nobody's data: a listener that is told of a save which a stream made is no part of that stream. */
export function outsideData<T>(run: () => T): T {
  return pendingCount === 0 ? run() : context.run(undefined, run);
}
