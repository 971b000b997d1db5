/** Work that goes on until a moment, and says how much of it was done. */
export type Contender = (untilMs: number) => Promise<number>;

/** How much each of two did per second, and the median of the ratios of each round. */
export interface Duel {
  readonly keelson: number;
  readonly reference: number;
  readonly ratio: number;
}

export interface DuelPlan {
  readonly rounds: number;
  /** For both together, over all rounds. */
  readonly seconds: number;
  /** How long the first round of each takes at least: until then code runs that no compiler has seen. Default 1 s. */
  readonly warmUpMs?: number;
  /** Done before each turn of Keelson's, unmeasured. */
  readonly prepare?: () => Promise<void>;
  readonly onRound?: (round: number) => void;
}

const WARM_UP_MS = 1000;

/**
 * Lets two take turns, changing who goes first, so that whatever the machine does besides hits both alike; the
 * first round warms up and is not counted.
 */
export async function duel(plan: DuelPlan, keelson: Contender, reference: Contender): Promise<Duel> {
  const sliceMs = (plan.seconds * 1000) / (plan.rounds + 1) / 2;
  const rates: { keelson: number; reference: number }[] = [];
  for (let round = 0; round <= plan.rounds; round++) {
    await plan.prepare?.();
    const isKeelsonFirst = round % 2 === 0;
    const ms = round === 0 ? Math.max(sliceMs, plan.warmUpMs ?? WARM_UP_MS) : sliceMs;
    const first = await rate(isKeelsonFirst ? keelson : reference, ms);
    const second = await rate(isKeelsonFirst ? reference : keelson, ms);
    if (round === 0) continue;
    rates.push(
      isKeelsonFirst ? { keelson: first, reference: second } : { keelson: second, reference: first },
    );
    plan.onRound?.(round);
  }
  return outcome(rates);
}

/** The medians of what was measured round by round. */
export function outcome(rates: readonly { readonly keelson: number; readonly reference: number }[]): Duel {
  return {
    keelson: median(rates.map((each) => each.keelson)),
    reference: median(rates.map((each) => each.reference)),
    ratio: median(rates.map((each) => each.keelson / each.reference)),
  };
}

async function rate(contender: Contender, sliceMs: number): Promise<number> {
  const startMs = performance.now();
  const done = await contender(startMs + sliceMs);
  return (done / (performance.now() - startMs)) * 1000;
}

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
