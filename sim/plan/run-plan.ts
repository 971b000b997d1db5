import { KeelsonError } from '../../src/errors/index.js';
import type { Counters } from '../disk/calls/counters.js';
import { createSimulatedDisk, type SimulatedDisk } from '../disk/simulated-disk.js';
import { Finding, type FindingFacts } from '../oracle/finding.js';
import { falseAlarm, withoutCause } from '../store/issue-save.js';
import type { Reach } from '../store/reach.js';
import { runStore } from '../store/run-store.js';
import { Scene } from '../store/scene.js';
import { sectorMap } from '../store/sector-map.js';
import { subSeed } from '../world/random.js';
import type { RunWatch } from '../world/run-watch.js';
import { EventQueue } from '../world/event-queue.js';
import { Trace } from '../world/trace.js';
import { FaultsToCome, type OnMet } from './faults-to-come.js';
import type { Plan } from './plan.js';

/** What to keep of a run. */
export interface RunOptions {
  /** Lines of the trace to keep, and maps of the disk around the last crash. Default: none. */
  readonly linesKept?: number;
  /** Sees the run as it happens. */
  readonly watch?: RunWatch<SimulatedDisk>;
  /** Called with each fault that meets its call. */
  readonly onMet?: OnMet;
}

/** What the oracles found, and when. */
export interface Failure extends FindingFacts {
  /** The operation under way. */
  readonly by: string;
  /** Where the oracle stood. */
  readonly stack: string;
}

/** What a run came to. */
export interface RunResult {
  /** Null: the store kept all of its promises. */
  readonly failure: Failure | null;
  /** Operations that were begun. */
  readonly ops: number;
  /** Crashes, and process kills. */
  readonly crashes: number;
  /** Calls that the store made of the disk. */
  readonly calls: number;
  /** Virtual time that it took, in milliseconds. */
  readonly virtualMs: number;
  /** Of everything that happened: equal runs have equal hashes. */
  readonly traceHash: number;
  /** What the disk did, counted. */
  readonly faults: Counters;
  /** Which branches of the store were reached, counted. */
  readonly reach: Reach;
  /** The last lines of the trace, if any were to be kept. */
  readonly lines: readonly string[];
  /** Maps of the files before and after the last crash, if lines were to be kept. */
  readonly maps: {
    /** As the crash found them. */
    readonly before: string;
    /** As it left them. */
    readonly after: string;
  } | null;
}

/**
 * Runs the production store through a plan, in virtual time on a simulated disk. Pure: the result follows from
 * the plan alone. Rejects only for a fault of the simulator itself.
 */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  const { linesKept = 0 } = options;
  const trace = new Trace({ linesKept });
  const queue = new EventQueue({ drive: 'manual' });
  const disk = createSimulatedDisk({
    seed: subSeed(plan.seed, 'disk'),
    profile: { ...plan.config.disk, isWitness: (path) => path.endsWith('.wal') },
    queue,
    trace,
    directories: ['/data'],
  });
  const faults = new FaultsToCome(disk, plan.faults, plan.seed);
  faults.onMet = options.onMet ?? null;
  // Without power-safe overwrites each power cut may damage what was durable.
  if (!plan.config.disk.powerSafeOverwrite) faults.suffered.overBudget += 1;
  const scene = new Scene(plan, disk, faults);
  trace.watch = options.watch?.lane('store', disk, () => scene.allowed.lines()) ?? null;
  const maps = linesKept > 0 ? watchCrashes(disk, faults) : null;
  const progress = { ops: 0, crashes: 0 };
  let failure: Failure | null = null;
  try {
    await queue.runUntil(runStore(scene, progress));
  } catch (error) {
    const finding = error instanceof KeelsonError ? unforeseen(scene, error) : error;
    if (!(finding instanceof Finding)) throw error;
    failure = { ...finding.facts, by: scene.by, stack: finding.stack ?? finding.message };
    trace.note(`found ${finding.message}`, { kind: 'found' });
  }
  return {
    failure,
    ...progress,
    calls: disk.callCount,
    virtualMs: queue.nowMs,
    traceHash: trace.hash,
    faults: disk.counters,
    reach: scene.reach,
    lines: trace.lines,
    maps: maps === null ? null : { before: maps.before, after: sectorMap(disk) },
  };
}

/** Where no oracle reckons with a failure the store may not fail either. */
function unforeseen(scene: Scene, error: KeelsonError): Finding {
  const isFalseAlarm = error.family === 'damage' && !scene.isDamaged;
  return isFalseAlarm ? falseAlarm(scene, error) : withoutCause(scene, error);
}

/** The disk as it was before the last crash; behind it the store may have gone on, as the trace shows. */
function watchCrashes(disk: SimulatedDisk, faults: FaultsToCome): { before: string } {
  const maps = { before: 'no crash happened' };
  faults.onCrash = () => {
    maps.before = sectorMap(disk);
  };
  return maps;
}
