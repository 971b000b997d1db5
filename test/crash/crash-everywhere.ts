import type { CallKind, CrashKind, CrashPoint } from '../../sim/disk/calls/call-kinds.js';
import type { CallNotice } from '../../sim/disk/calls/calls-to-come.js';
import type { DiskProfile } from '../../sim/disk/harm/profile.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/environment.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

/** What the world outside knows of a store; its key is the same where a verdict on equal disks must be the same. */
export type Known = null | boolean | { readonly key: string };

/** A life of a store; tells `memory` what is issued and what is acknowledged. */
export type LifeOf<Memory> = (environment: Environment, memory: Memory) => Promise<void>;

/** What is crashed: a store, the work done with it, and a memory of what it promised that outlives it. */
export interface CrashSubject<Memory extends Known> {
  /** What the world outside knows before the first call. */
  begin(): Memory;
  /** An independent copy, as of now. */
  copy(memory: Memory): Memory;
  /** What is done with the store, one after the other; all but the last leave it closed. */
  readonly lives: readonly LifeOf<Memory>[];
  /** Opens what a crash left, holds it against `memory`, and, if asked, goes on working with it. */
  recover(environment: Environment, memory: Memory, goesOn: boolean): Promise<void>;
}

/** The world that the store is run in. What the profile leaves out is drawn from the seed. */
export interface CrashWorld {
  readonly seed: number;
  readonly profile: Partial<DiskProfile>;
  readonly directories: readonly string[];
}

/** Where the world stops. */
export interface Stop {
  readonly call: number;
  readonly at: CrashPoint;
  readonly crash: CrashKind;
}

export const CRASH_KINDS: readonly CrashKind[] = ['kill', 'power', 'kill-power'];
const CRASH_POINTS: readonly CrashPoint[] = ['before', 'inside', 'after'];

/** Each way in which the world can stop at `call`. */
export function stopsAt(call: number): readonly Stop[] {
  return CRASH_POINTS.flatMap((at) => CRASH_KINDS.map((crash) => ({ call, at, crash })));
}

/** How many ways there are to take what a crash leaves from a run, at each of its calls: see {@link Choose}. */
export const WAYS = 6;

/** Whether a stop is tried; `way` counts those of one call from 0 to {@link WAYS}, those before the call first. */
export type Choose = (stop: Stop, way: number, kind: CallKind) => boolean;

/** A disk after a crash, and what was promised until then. */
export interface Crashed<Memory extends Known> {
  readonly disk: SimulatedDisk;
  readonly memory: Memory;
  readonly stop: Stop;
}

/** Lives one after the other, as one process. */
export async function liveAll<Memory>(
  lives: readonly LifeOf<Memory>[],
  environment: Environment,
  memory: Memory,
): Promise<void> {
  for (const live of lives) await live(environment, memory);
}

/** Where a life begins: what is on the disk, what was promised, and the lives from there on. Nobody changes it. */
export interface Beginning<Memory> {
  readonly disk: SimulatedDisk;
  readonly memory: Memory;
  readonly lives: readonly [LifeOf<Memory>, ...LifeOf<Memory>[]];
}

/** The beginnings of a subject's lives: who wants to see a later one fail need not live those before it again. */
export async function beginningsOf<Memory extends Known>(
  subject: Pick<CrashSubject<Memory>, 'begin' | 'copy' | 'lives'>,
  world: CrashWorld,
): Promise<readonly Beginning<Memory>[]> {
  const found: Beginning<Memory>[] = [];
  let [disk, memory] = [newDisk(world), subject.begin()];
  for (let [live, ...later] = subject.lives; live !== undefined; [live, ...later] = later) {
    found.push({ disk, memory, lives: [live, ...later] });
    if (later.length === 0) break;
    const [next, known] = [disk.fork(), subject.copy(memory)];
    await runWhole(next, (environment) => live(environment, known));
    [disk, memory] = [next, known];
  }
  return found;
}

/** What crashes in a whole life of the subject can leave: see {@link crashesOf}. */
export async function crashesOfLife<Memory extends Known>(
  subject: CrashSubject<Memory>,
  world: CrashWorld,
  choose: Choose,
): Promise<readonly Crashed<Memory>[]> {
  const disk = newDisk(world);
  const memory = subject.begin();
  return crashesOf(
    disk,
    (environment) => liveAll(subject.lives, environment, memory),
    choose,
    () => subject.copy(memory),
  );
}

/**
 * Recovers, and again after a power cut: what recovery said and what it did afterwards is a promise too. A quick run
 * does not work on behind the second recovery.
 */
export async function recoverTwice<Memory extends Known>(
  subject: CrashSubject<Memory>,
  { disk, memory }: Omit<Crashed<Memory>, 'stop'>,
): Promise<void> {
  await runWhole(disk, (environment) => subject.recover(environment, memory, true));
  disk.crash('power');
  await describing('after a power cut behind the recovery', () =>
    runWhole(disk, (environment) => subject.recover(environment, memory, IS_DEEP)),
  );
}

/** Recovers from what crashes of a recovery can leave, in each way that `choose` lets pass; returns how many. */
export async function crashRecovery<Memory extends Known>(
  subject: CrashSubject<Memory>,
  { disk, memory }: Crashed<Memory>,
  choose: Choose,
): Promise<number> {
  const known = subject.copy(memory);
  const crashes = await crashesOf(
    disk.fork(),
    (environment) => subject.recover(environment, known, true),
    choose,
    () => subject.copy(known),
  );
  for (const crashed of crashes)
    await describing(`then ${textOf(crashed.stop)}`, () => recoverTwice(subject, crashed));
  return crashes.length;
}

/**
 * Does the work to its end, once, and takes from it what a crash can leave: before and in the midst of each call that
 * may change the disk, and at the end. What a crash leaves at any other call, or behind this one, is what it leaves
 * before the next that changes something, and by then no less was promised. `remember` copies what was. Of crashes that
 * leave equal disks behind equal promises the first is taken.
 */
export async function crashesOf<Memory extends Known>(
  disk: SimulatedDisk,
  work: (environment: Environment) => Promise<void>,
  choose: Choose,
  remember: () => Memory,
): Promise<readonly Crashed<Memory>[]> {
  const crashes: Crashed<Memory>[] = [];
  const isNew = newImages();
  const take = (stop: Stop, way: number, call: CallNotice | null): void => {
    if (!choose(stop, way, call?.kind ?? 'close')) return;
    const fork = disk.fork({ seed: stop.call * WAYS + way });
    if (stop.at === 'inside') call?.tearOn(fork, way);
    fork.crash(stop.crash);
    const memory = remember();
    if (isNew(fork, memory)) crashes.push({ disk: fork, memory, stop });
  };
  disk.onCall = (call) => {
    if (mayChange(disk, call))
      for (const [way, stop] of stopsAt(call.number).slice(0, WAYS).entries()) take(stop, way, call);
    return undefined;
  };
  await runWhole(disk, work);
  disk.onCall = null;
  for (const [way, crash] of CRASH_KINDS.entries())
    take({ call: disk.callCount + 1, at: 'before', crash }, way, null);
  return crashes;
}

/** Tells of each disk that a crash left whether none was equal to it, when no less was promised, among those before. */
export function newImages(): (disk: SimulatedDisk, memory: Known) => boolean {
  const seen = new Set<string>();
  return (disk, memory) => {
    const known = memory !== null && typeof memory === 'object' ? memory.key : String(memory);
    const { size } = seen;
    return seen.add(`${disk.imageKey} ${known}`).size > size;
  };
}

/** Calls that change nothing that a crash could leave. */
const LOOKS: ReadonlySet<CallKind> = new Set([
  'read',
  'fstat',
  'stat',
  'statfs',
  'readdir',
  'tryLock',
  'close',
]);

/** Whether the call, which is about to be made, may change what a crash leaves. */
export function mayChange(disk: SimulatedDisk, { kind, path }: CallNotice): boolean {
  if (kind === 'open') return disk.readVolatile(path) === null;
  return !LOOKS.has(kind);
}

export function textOf({ call, at, crash }: Stop): string {
  return `${crash} ${at} call ${call}`;
}

/** Adds where the world stopped to whatever fails in `run`. */
export async function describing<T>(where: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

export function newDisk({ seed, profile, directories }: CrashWorld): SimulatedDisk {
  return createSimulatedDisk({ seed, profile, directories });
}

/** Runs work that nothing stops. */
export async function runWhole(
  disk: SimulatedDisk,
  work: (environment: Environment) => Promise<void>,
): Promise<void> {
  const outcome = await disk.run(work);
  if (outcome.crashed) throw new Error('the world stopped though nothing was to stop it');
}
