import type { ShownLog } from './shown-log.js';
import { conf } from '../model/conf.js';
import { content } from '../model/content.js';
import { lastIndex, termAt, type LogState } from '../model/model-log.js';

/** In words, the first thing in which a log is not what the model says; null if it is, byte for byte. */
export function firstDifference(shown: ShownLog, state: LogState): string | null {
  return (
    unequal('firstIndex', shown.firstIndex, state.firstIndex) ??
    unequal('lastIndex', shown.lastIndex, lastIndex(state)) ??
    unequal('term of the boundary', shown.boundaryTerm, state.boundaryTerm) ??
    unequal('lastTerm', shown.lastTerm, termAt(state, lastIndex(state))) ??
    unequal('term', shown.hardState.term, state.hardState.term) ??
    unequal('vote', shown.hardState.vote, state.hardState.vote) ??
    unequal('commit', shown.hardState.commit, state.hardState.commit) ??
    entriesDiffer(shown, state) ??
    snapshotDiffers(shown, state)
  );
}

function entriesDiffer(shown: ShownLog, state: LogState): string | null {
  for (const [at, expected] of state.entries.entries()) {
    const got = shown.entries[at];
    const name = `entry ${state.firstIndex + at}`;
    if (got === undefined) return `${name} is not there`;
    const difference =
      unequal(`index of ${name}`, got.index, expected.index) ??
      unequal(`term of ${name}`, got.term, expected.term) ??
      unequal(`kind of ${name}`, got.kind, expected.kind) ??
      bytesDiffer(name, got.data, expected);
    if (difference !== null) return difference;
  }
  return unequal('number of entries', shown.entries.length, state.entries.length);
}

function snapshotDiffers({ snapshot: got }: ShownLog, { snapshot: expected }: LogState): string | null {
  if (got === null || expected === null)
    return unequal('snapshot', got?.index ?? 'none', expected?.index ?? 'none');
  return (
    unequal('index of the snapshot', got.index, expected.index) ??
    unequal('term of the snapshot', got.term, expected.term) ??
    (conf(expected.id).equals(got.conf) ? null : 'conf of the snapshot differs') ??
    bytesDiffer('snapshot', got.data, expected)
  );
}

function bytesDiffer(
  name: string,
  got: Uint8Array,
  { id, bytes }: { readonly id: number; readonly bytes: number },
): string | null {
  const expected = content(id, bytes);
  if (expected.equals(got)) return null;
  return unequal(`bytes of ${name}`, got.length, bytes) ?? `content of ${name} is not that of ${id}`;
}

function unequal(what: string, got: unknown, expected: unknown): string | null {
  return got === expected ? null : `${what} is ${String(got)}, expected ${String(expected)}`;
}
