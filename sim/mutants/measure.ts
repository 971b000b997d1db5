import type { HuntEnd } from './hunt.js';
import type { HuntRange } from './hunt-worker.js';
import type { AnyPlan } from '../cli/any-plan.js';
import type { PlantedBug } from './planted-bug.js';

/** Seeds between the beginnings of two searches of one bug. */
const START_STEP = 1_000_000;

/** How a bug fared. */
export interface Measured {
  readonly number: number;
  /** Seeds tried until it was found, of each search; null where it was not found. */
  readonly tried: readonly (number | null)[];
  /** Seeds that each of them was allowed. */
  readonly seeds: number;
  /** Seeds that one far search took, if there was one; null if even that found nothing. */
  readonly far: { readonly tried: number | null; readonly seeds: number } | null;
  /** Whether its own plan showed it; null if it has none, or needed none. */
  readonly byPlan: boolean | null;
  /** Which oracles found it, the most frequent first. */
  readonly oracles: readonly string[];
}

/** Median of the seeds that the searches took; Infinity if half of them found nothing. */
export function medianOf({ tried }: Pick<Measured, 'tried'>): number {
  const sorted = tried.map((one) => one ?? Infinity).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}

/**
 * Seeds that count for the gate: the median of the searches or, where half of them found nothing, what the far one
 * took, which is then never less than what they were allowed.
 */
export function seedsToFind(measured: Measured): number {
  const median = medianOf(measured);
  if (median !== Infinity) return median;
  return Math.max(measured.seeds + 1, measured.far?.tried ?? Infinity);
}

export interface MeasureOptions {
  readonly starts: number;
  readonly seeds: number;
  readonly far: number;
}

/** Searches for one bug from several starts; if they do not find it, far from one more, and by a plan of its own. */
export async function measure(
  bug: PlantedBug,
  plan: AnyPlan | null,
  options: MeasureOptions,
  search: (range: HuntRange) => Promise<HuntEnd>,
): Promise<Measured> {
  const { starts, seeds } = options;
  const { profile = 'disk' } = bug;
  const ends: HuntEnd[] = [];
  for (let at = 0; at < starts; at++) {
    ends.push(await search({ from: 1 + at * START_STEP, count: seeds, profile }));
  }
  const tried = ends.map(triedUntilFound);
  let far: Measured['far'] = null;
  if (medianOf({ tried }) === Infinity && options.far > 0) {
    const end = await search({ from: 1 + starts * START_STEP, count: options.far, profile });
    ends.push(end);
    far = { tried: triedUntilFound(end), seeds: options.far };
  }
  let byPlan: Measured['byPlan'] = null;
  if (medianOf({ tried }) === Infinity && plan !== null) {
    const end = await search({ from: 0, count: 1, profile, plan });
    ends.push(end);
    byPlan = end.kind === 'found';
  }
  return { number: bug.number, tried, seeds, far, byPlan, oracles: oraclesOf(ends) };
}

function triedUntilFound(end: HuntEnd): number | null {
  return end.kind === 'found' ? end.seeds : null;
}

function oraclesOf(ends: readonly HuntEnd[]): string[] {
  const counts = new Map<string, number>();
  for (const end of ends) {
    if (end.kind === 'found') counts.set(end.oracle, (counts.get(end.oracle) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([oracle]) => oracle);
}
