import { CLUSTER_BRANCHES } from '../cluster/cluster-reach.js';
import { type ClusterPlan, parseClusterPlan } from '../cluster/cluster-plan.js';
import { drawClusterPlan } from '../cluster/draw-cluster-plan.js';
import { type ClusterRunResult, runClusterPlan } from '../cluster/run-cluster-plan.js';
import { shrinkClusterPlan } from '../cluster/shrink-cluster-plan.js';
import { type Counters, type Reached, REACHED } from '../disk/calls/counters.js';
import { drawPlan } from '../plan/draw-plan.js';
import { parsePlan, type Plan, PLAN_PROFILES, type PlanProfile } from '../plan/plan.js';
import { runPlan, type RunResult } from '../plan/run-plan.js';
import { shrinkPlan } from '../plan/shrink-plan.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { BRANCHES } from '../store/reach.js';
import type { RunWatch } from '../world/run-watch.js';

/** What can be searched: one store, within its budget or beyond it, or a cluster. */
export type Profile = PlanProfile | 'cluster';
export const PROFILES: readonly Profile[] = [...PLAN_PROFILES, 'cluster'];

/** A plan of any profile. */
export type AnyPlan = Plan | ClusterPlan;

/** What an oracle of any profile found. */
export interface AnyFailure {
  readonly oracle: string;
  readonly by: string;
  readonly what: string;
  readonly expected?: readonly string[];
  readonly found?: string;
  readonly stack: string;
}

/** How a run of any profile went. */
export interface AnyResult {
  readonly failure: AnyFailure | null;
  readonly ops: number;
  readonly crashes: number;
  readonly calls: number;
  readonly virtualMs: number;
  readonly traceHash: number;
  readonly faults: Counters;
  readonly reach: Readonly<Record<string, number>>;
  /** The last lines of the trace: of the store, or of each node. */
  readonly traces: readonly { readonly of: string; readonly lines: readonly string[] }[];
  /** Maps of the files before and after the last crash, where they were kept. */
  readonly maps: { readonly before: string; readonly after: string } | null;
}

export interface AnyShrunk {
  readonly plan: AnyPlan;
  readonly result: AnyResult;
  readonly runs: number;
}

export function drawAny(seed: number, profile: Profile): AnyPlan {
  return profile === 'cluster' ? drawClusterPlan(seed) : drawPlan(seed, profile);
}

/** @param watch sees the run as it happens */
export async function runAny(
  plan: AnyPlan,
  linesKept: number = 0,
  watch?: RunWatch<SimulatedDisk>,
): Promise<AnyResult> {
  const options = watch === undefined ? { linesKept } : { linesKept, watch };
  if (plan.profile === 'cluster') return ofCluster(await runClusterPlan(plan, options));
  return ofStore(await runPlan(plan, options));
}

/** A smaller plan that the same oracle fails. */
export async function shrinkAny(plan: AnyPlan): Promise<AnyShrunk> {
  if (plan.profile === 'cluster') {
    const shrunk = await shrinkClusterPlan(plan, await runClusterPlan(plan));
    return { ...shrunk, result: ofCluster(shrunk.result) };
  }
  const shrunk = await shrinkPlan(plan, await runPlan(plan));
  return { ...shrunk, result: ofStore(shrunk.result) };
}

/** Reads a plan of any profile from JSON; throws a `TypeError` if it is none. */
export function parseAny(text: string): AnyPlan {
  const { profile } = JSON.parse(text) as { readonly profile?: unknown };
  return profile === 'cluster' ? parseClusterPlan(text) : parsePlan(text);
}

/** What the disks of a cluster are spared: their store has one owner, and their damage stays within the budget. */
const NOT_IN_CLUSTERS: ReadonlySet<Reached> = new Set<Reached>([
  'lock-lost',
  'write-fenced-by-successor',
  'write-misdirected',
  'unsafe-overwrite',
]);

/** What only a run beyond the budget suffers. */
const BEYOND_BUDGET: ReadonlySet<Reached> = new Set<Reached>(['unsafe-overwrite']);

/** The faults that a run of this profile can suffer. */
export function faultsOf(profile: string): readonly Reached[] {
  if (profile === 'over-budget') return REACHED;
  const never = profile === 'cluster' ? NOT_IN_CLUSTERS : BEYOND_BUDGET;
  return REACHED.filter((name) => !never.has(name));
}

/** The names of all branches that a run of this profile can reach. */
export function branchesOf(profile: string): readonly string[] {
  return profile === 'cluster' ? CLUSTER_BRANCHES : BRANCHES;
}

function ofStore({ lines, ...result }: RunResult): AnyResult {
  return { ...result, traces: [{ of: 'the store', lines }] };
}

function ofCluster(result: ClusterRunResult): AnyResult {
  return { ...result, maps: null };
}
