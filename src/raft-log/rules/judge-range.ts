import { KeelsonError } from '../../errors/index.js';
import { checkInteger, invalidArgument } from '../../errors/arguments.js';
import type { LogView } from './log-view.js';

/** What of a view tells which indexes can be read. */
export type IndexBounds = Pick<LogView, 'firstIndex' | 'lastIndex'>;

/**
 * Judges a read of the half-open range `[from, until)`.
 *
 * @throws `KEELSON_INVALID_ARGUMENT` (no such range), `KEELSON_COMPACTED` (`from` below the log),
 *   `KEELSON_UNAVAILABLE` (`until` beyond its end), in this order.
 */
export function judgeRange(view: IndexBounds, from: number, until: number): void {
  checkInteger('from', from, 0);
  checkInteger('until', until, 0);
  if (from > until) throw invalidArgument('from', from, `at most until, which is ${String(until)}`);
  if (from < view.firstIndex) throw compacted('from', from, view.firstIndex);
  if (until > view.lastIndex + 1) {
    throw new KeelsonError(
      'KEELSON_UNAVAILABLE',
      `until is ${String(until)}, but the log ends at ${String(view.lastIndex)}. Read until ${String(view.lastIndex + 1)} at most.`,
      { argument: 'until', index: until, found: until, expected: view.lastIndex + 1 },
    );
  }
}

/**
 * The term of an index; the boundary `firstIndex - 1` is known too.
 *
 * @throws `KEELSON_INVALID_ARGUMENT`, `KEELSON_COMPACTED` (below the boundary), `KEELSON_UNAVAILABLE` (beyond
 *   the last entry).
 */
export function judgeTerm(view: IndexBounds & Pick<LogView, 'term'>, index: number): number {
  checkInteger('index', index, 0);
  if (index < view.firstIndex - 1) throw compacted('index', index, view.firstIndex - 1);
  if (index > view.lastIndex) {
    throw new KeelsonError(
      'KEELSON_UNAVAILABLE',
      `index is ${String(index)}, but the log ends at ${String(view.lastIndex)}.`,
      { argument: 'index', index, found: index, expected: view.lastIndex },
    );
  }
  return view.term(index);
}

/**
 * Judges `compact(upTo)`: only what a snapshot covers may go. False if everything up to there was gone already.
 *
 * @throws `KEELSON_INVALID_ARGUMENT`, `KEELSON_UNAVAILABLE` (above the snapshot, or there is none).
 */
export function judgeCompact(view: LogView, upTo: number): boolean {
  checkInteger('upTo', upTo, 0);
  if (upTo < view.firstIndex) return false;
  const covered = view.snapshot?.index ?? 0;
  if (upTo > covered) {
    throw new KeelsonError(
      'KEELSON_UNAVAILABLE',
      `upTo is ${String(upTo)}, but ${covered === 0 ? 'there is no snapshot' : `the snapshot ends at ${String(covered)}`}; nothing was changed. Take a snapshot first, or compact less.`,
      { argument: 'upTo', index: upTo, found: upTo, expected: covered },
    );
  }
  return true;
}

function compacted(argument: string, index: number, lowest: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMPACTED',
    `${argument} is ${String(index)}, but the log begins at ${String(lowest)}: what is below was compacted. Read the snapshot instead.`,
    { argument, index, found: index, expected: lowest },
  );
}
