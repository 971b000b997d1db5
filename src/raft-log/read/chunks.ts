import { KeelsonError } from '../../errors/index.js';
import type { ReadEntry } from '../contract.js';
import type { Cuts } from '../rules/cuts.js';
import { judgeRange } from '../rules/judge-range.js';
import type { LogView } from '../rules/log-view.js';

/** What of a view says which entries it holds, and which of them it has dropped since. */
export type ReadView = Pick<LogView, 'firstIndex' | 'lastIndex'> & { readonly cuts: Cuts };

type ReadChunk = (at: number) => ReadEntry[] | Promise<ReadEntry[]>;

/** A read that was begun, and how many cuts there had been then. */
interface Begun {
  readonly cutsBefore: number;
  /** Never rejects: nobody may be waiting for it yet. */
  readonly outcome: Promise<Outcome>;
}

type Outcome = { readonly chunk: ReadEntry[] } | { readonly error: unknown };

/**
 * Streams what `read` brings, chunk by chunk, and reads one ahead while the last one is worked on. Ends with an error where
 * what it brought is no more what the log holds; what was read ahead of a cut, and reaches beyond it, is read again.
 *
 * @param check - called when the next chunk is asked for; what it throws ends the stream
 * @param read - begins, before it returns, to read what the log holds as of then, from `at` on
 */
export async function* chunksOf(
  view: ReadView,
  from: number,
  until: number,
  check: () => void,
  read: ReadChunk,
): AsyncGenerator<ReadEntry[], void, undefined> {
  const cutsBefore = view.cuts.count;
  let ahead: Begun | null = null;
  for (let at = from; at < until;) {
    judgeStill(view, cutsBefore, at, until);
    const begun: Begun = ahead ?? begin(view, at, read);
    ahead = null;
    const outcome = await begun.outcome;
    judgeStill(view, cutsBefore, at, until);
    const end = 'chunk' in outcome ? at + outcome.chunk.length : until;
    if (view.cuts.lowestSince(begun.cutsBefore) < end) continue;
    if ('error' in outcome) throw outcome.error;
    at = end;
    if (at < until) ahead = begin(view, at, read);
    yield outcome.chunk;
    check();
  }
}

function begin(view: ReadView, at: number, read: ReadChunk): Begun {
  const cutsBefore = view.cuts.count;
  return { cutsBefore, outcome: outcomeOf(read, at) };
}

async function outcomeOf(read: ReadChunk, at: number): Promise<Outcome> {
  try {
    return { chunk: await read(at) };
  } catch (error) {
    return { error };
  }
}

function judgeStill(view: ReadView, cutsBefore: number, at: number, until: number): void {
  judgeRange(view, at, until);
  if (view.cuts.lowestSince(cutsBefore) < at) throw replaced(at - 1);
}

/** An entry of a stream, handed out or about to be, that the log holds no more. */
export function replaced(index: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_UNAVAILABLE',
    `entry ${String(index)} was replaced by a conflicting one while the log was read. Begin anew.`,
    { argument: 'from', index },
  );
}
