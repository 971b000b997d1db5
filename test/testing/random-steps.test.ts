// A property whose random steps reach only refusals or plain appends proves nothing, and passes for ever.
// A fixed sample is run on the naive log, counting what it reaches: each kind of outcome must come often.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayLog } from '../../src/testing/array-log.js';
import { installOf, randomSteps, requestOf, type RandomStep } from '../../src/testing/random-steps.js';

/** Runs one step on the naive log, and names what happened. */
function outcomesOf(
  step: RandomStep,
  log: ArrayLog,
): { readonly after: ArrayLog; readonly names: readonly string[] } {
  if (step.kind === 'save' || step.kind === 'burst') {
    let after = log;
    const names: string[] = [];
    for (const save of step.kind === 'save' ? [step.save] : step.saves) {
      const request = requestOf(save, after);
      const next = after.save(request);
      if (typeof next === 'string') {
        names.push(`save: ${next}`);
        continue;
      }
      names.push(...saveOutcomes(after, next, request.truncateFrom));
      after = next;
    }
    return { after, names };
  }
  const after =
    step.kind === 'createSnapshot'
      ? log.createSnapshot(Math.max(1, log.boundary, log.hardState.commit + step.at))
      : step.kind === 'compact'
        ? log.compact(Math.max(0, (log.snapshot?.index ?? 0) - step.at))
        : log.installSnapshot(installOf(step, log).index, installOf(step, log).term);
  if (typeof after === 'string') return { after: log, names: [`${step.kind}: ${after}`] };
  const isMoved = after.boundary > log.boundary;
  return { after, names: [`${step.kind}: ${isMoved ? 'moved' : 'left'} the boundary`] };
}

function saveOutcomes(before: ArrayLog, after: ArrayLog, truncateFrom: number | undefined): string[] {
  const names: string[] = [];
  if (truncateFrom !== undefined && truncateFrom <= before.lastIndex) names.push('save: truncated');
  else if (before.terms.some((term, at) => at < after.terms.length && after.terms[at] !== term))
    names.push('save: conflict');
  if (after.lastIndex < before.lastIndex) names.push('save: shortened');
  if (after.lastIndex > before.lastIndex) names.push('save: grew');
  if (after.hardState.vote !== before.hardState.vote) names.push('save: vote changed');
  if (after.hardState.commit > before.hardState.commit) names.push('save: commit rose');
  return names;
}

describe('random steps', () => {
  it('reach every kind of outcome', () => {
    const counts = new Map<string, number>();
    for (const steps of fc.sample(randomSteps(30), { numRuns: 1000, seed: 7 })) {
      let log = new ArrayLog();
      for (const step of steps) {
        const { after, names } = outcomesOf(step, log);
        for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
        log = after;
      }
    }
    const expected = [
      ...['truncated', 'conflict', 'shortened', 'grew', 'vote changed', 'commit rose'],
      ...['KEELSON_INDEX_GAP', 'KEELSON_UNAVAILABLE', 'KEELSON_COMPACTED', 'KEELSON_TERM_REGRESSION'],
      ...['KEELSON_VOTE_CONFLICT', 'KEELSON_COMMIT_REGRESSION', 'KEELSON_COMMITTED_TRUNCATION'],
    ].map((outcome) => `save: ${outcome}`);
    expected.push(
      'createSnapshot: left the boundary',
      'createSnapshot: KEELSON_UNAVAILABLE',
      'createSnapshot: KEELSON_SNAPSHOT_OUT_OF_DATE',
      'installSnapshot: moved the boundary',
      'installSnapshot: left the boundary',
      'installSnapshot: KEELSON_TERM_REGRESSION',
      'installSnapshot: KEELSON_SNAPSHOT_OUT_OF_DATE',
      'installSnapshot: KEELSON_COMMITTED_TRUNCATION',
      'compact: moved the boundary',
      'compact: left the boundary',
      'compact: KEELSON_UNAVAILABLE',
    );
    const rare = expected.filter((outcome) => (counts.get(outcome) ?? 0) < 10);
    expect(rare.map((outcome) => [outcome, counts.get(outcome)])).toEqual([]);
  });
});
