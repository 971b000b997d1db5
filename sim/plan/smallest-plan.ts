import type { Arbitrary } from 'fast-check';

/** A list in a plan, and how many of its items must stay. */
export interface ListInPlan {
  readonly length: number;
  readonly least: number;
}

/** A number in a plan that may be made smaller, and the smallest that means something. */
export interface NumberInPlan {
  readonly value: number;
  readonly least: number;
}

/** How plans of one kind are made smaller, so that what stays does the same as before. */
export interface Lessening<P> {
  lists(plan: P): readonly ListInPlan[];
  /** The plan with these items alone, by their places in each list. */
  keep(plan: P, kept: readonly (readonly number[])[]): P;
  numbers(plan: P): readonly NumberInPlan[];
  /** The plan with these numbers in place of its own. */
  put(plan: P, numbers: readonly number[]): P;
}

/** A plan that fails, and how. */
export interface FailingPlan<P, R> {
  readonly plan: P;
  readonly result: R;
}

/**
 * Has fast-check shrink a failing plan: lists first, then numbers, until neither yields. Plans are shrunk, not seeds, since
 * a seed one bit smaller draws another world.
 *
 * @param run the result of a plan that fails alike, else null
 * @param runsMax runs that may be spent; behind them the smallest plan so far is the answer
 */
export async function smallestPlan<P, R>(
  failing: FailingPlan<P, R>,
  lessening: Lessening<P>,
  run: (plan: P) => Promise<R | null>,
  runsMax: number,
): Promise<FailingPlan<P, R> & { readonly runs: number }> {
  // Asked for here: it is an optional peer, and who only uses the disk need not have it.
  const { asyncProperty, check, integer, subarray, tuple } = await import('fast-check');
  const verdicts = new Map<string, boolean>([[JSON.stringify(failing.plan), true]]);
  let best = failing;
  let runs = 0;
  const failsAlike = async (plan: P): Promise<boolean> => {
    const key = JSON.stringify(plan);
    const known = verdicts.get(key);
    if (known !== undefined || runs >= runsMax) return known ?? false;
    runs += 1;
    const result = await run(plan);
    verdicts.set(key, result !== null);
    if (result !== null) best = { plan, result };
    return result !== null;
  };
  const shrinkFrom = async <Part>(from: Part, parts: Arbitrary<Part>, toPlan: (part: Part) => P | null) => {
    // The one example is the plan itself, which fails; all that fast-check then tries is smaller.
    const passes = async (part: Part): Promise<boolean> => {
      const plan = toPlan(part);
      return plan === null || !(await failsAlike(plan));
    };
    await check(asyncProperty(parts, passes), { numRuns: 1, examples: [[from]] });
  };
  for (let before: P | null = null; before !== best.plan && runs < runsMax;) {
    const whole = (before = best.plan);
    const lists = lessening.lists(whole);
    const places = lists.map(({ length }) => [...Array(length).keys()]);
    // Not by `minLength`: with that, fast-check never leaves out the last item of a list.
    const areEnough = (kept: readonly (readonly number[])[]): boolean =>
      kept.every(({ length }, at) => length >= (lists[at]?.least ?? 0));
    await shrinkFrom(places, tuple(...places.map((all) => subarray(all))), (kept) =>
      areEnough(kept) ? lessening.keep(whole, kept) : null,
    );
    const lean = best.plan;
    const numbers = lessening.numbers(lean);
    await shrinkFrom(
      numbers.map(({ value }) => value),
      tuple(...numbers.map(({ value, least }) => integer({ min: least, max: value }))),
      (smaller) => lessening.put(lean, smaller),
    );
  }
  return { ...best, runs };
}

/** These items, by their places. */
export function pick<Item>(items: readonly Item[], places: readonly number[]): Item[] {
  return places.map((at) => items[at] as Item);
}
