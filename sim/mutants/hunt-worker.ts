import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { type AnyPlan, type Profile, runAny } from '../cli/any-plan.js';
import { runDrawn } from '../cli/run-seeds.js';

/** The seeds that a hunt tries, one by one, until the bug in its tree is found. */
export interface HuntRange {
  readonly from: number;
  readonly count: number;
  readonly profile: Profile | 'session';
  /** Go on until this oracle fires, whatever others find. */
  readonly oracle?: string;
  /** Run this plan in place of what the seeds draw. */
  readonly plan?: AnyPlan;
}

/** What a hunt tells: after each seed, and at the end. */
export type HuntNews =
  | { readonly kind: 'tried'; readonly seeds: number }
  | { readonly kind: 'found'; readonly seeds: number; readonly oracle: string; readonly what: string }
  | { readonly kind: 'not-found'; readonly seeds: number }
  /** The run ended with an error that no oracle threw. */
  | { readonly kind: 'fault'; readonly seeds: number; readonly what: string };

/** A message for each seed would cost as much as a short run. */
const TELL_EVERY = 10;

async function hunt({ from, count, profile, oracle, plan }: HuntRange): Promise<HuntNews> {
  for (let at = 0; at < count; at++) {
    const seeds = at + 1;
    try {
      const failure = await tryOne(from + at, profile, plan);
      if (failure !== null && (oracle ?? failure.oracle) === failure.oracle)
        return { kind: 'found', seeds, oracle: failure.oracle, what: failure.what };
    } catch (error) {
      return { kind: 'fault', seeds, what: inspect(error) };
    }
    if (seeds % TELL_EVERY === 0) parentPort?.postMessage({ kind: 'tried', seeds } satisfies HuntNews);
  }
  return { kind: 'not-found', seeds: count };
}

async function tryOne(
  seed: number,
  profile: HuntRange['profile'],
  plan: AnyPlan | undefined,
): Promise<{ readonly oracle: string; readonly what: string } | null> {
  if (plan === undefined && profile === 'session') return cutSession(seed);
  const run = plan === undefined ? runDrawn(seed, profile as Profile) : runAny(plan);
  return (await run).failure;
}

/**
 * A seed is a message and what is cut at it, of those that the bugs need: after three times as many seeds as a session has
 * messages all were.
 */
async function cutSession(seed: number): ReturnType<typeof tryOne> {
  // Asked for here: no other search loads what the network needs.
  const { CUTS, runCutSession } = await import('../net/cut-session.js');
  const cuts = CUTS.slice(0, 3);
  const { told, findings } = await runCutSession(
    Math.ceil(seed / cuts.length),
    cuts[seed % cuts.length] ?? 'power',
  );
  const what = findings[0] ?? told.find((one) => one !== 'saved');
  return what === undefined ? null : { oracle: 'session', what };
}

const news = await hunt(workerData as HuntRange);
parentPort?.postMessage(news);
