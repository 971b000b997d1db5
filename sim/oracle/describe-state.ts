import { firstIndexOf, lastIndexOf, type LogState } from './log-state.js';

/** One line that tells a state from others at a glance. */
export function describeState(state: LogState): string {
  const { hardState, snapshot, boundary } = state;
  const vote = hardState.vote === null ? 'no vote' : `vote ${hardState.vote}`;
  const held =
    state.entries.length === 0
      ? `no entries behind ${boundary.index}`
      : `entries ${firstIndexOf(state)}..${lastIndexOf(state)} (terms ${termsOf(state)})`;
  const taken =
    snapshot === null
      ? 'no snapshot'
      : `snapshot ${snapshot.index} of term ${snapshot.term}, ${snapshot.bytes} bytes #${hex(snapshot.dataHash)}`;
  return `term ${hardState.term}, ${vote}, commit ${hardState.commit}; ${held} #${hex(state.entriesHash)} behind term ${boundary.term}; ${taken}${valuesOf(state)}`;
}

/** Small values, by the first bytes of each. */
function valuesOf({ stable }: LogState): string {
  const values = [...stable].sort().map(([key, value]) => `${key}=${value.slice(0, 8)}(${value.length / 2})`);
  return values.length === 0 ? '' : `; values ${values.join(' ')}`;
}

/** Runs of equal terms, as `2x3` for three entries of term 2. */
function termsOf(state: LogState): string {
  const runs: { term: number; count: number }[] = [];
  for (const { term } of state.entries) {
    const last = runs[runs.length - 1];
    if (last?.term === term) last.count += 1;
    else runs.push({ term, count: 1 });
  }
  return runs.map(({ term, count }) => (count === 1 ? `${term}` : `${term}x${count}`)).join(' ');
}

/** Where two states part, for a reader who would not find it in the lines. */
export function firstDifference(found: LogState, expected: LogState): string {
  if (found.boundary.index !== expected.boundary.index)
    return `firstIndex ${firstIndexOf(found)}, expected ${firstIndexOf(expected)}`;
  const until = Math.max(found.entries.length, expected.entries.length);
  for (let at = 0; at < until; at++) {
    const a = found.entries[at];
    const b = expected.entries[at];
    if (a?.hash === b?.hash) continue;
    const show = (entry: typeof a): string =>
      entry === undefined
        ? 'nothing'
        : `term ${entry.term}, kind ${entry.kind}, ${entry.data.length} bytes #${hex(entry.hash)}`;
    return `entry ${firstIndexOf(found) + at} is ${show(a)}, expected ${show(b)}`;
  }
  return 'the entries are equal';
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
