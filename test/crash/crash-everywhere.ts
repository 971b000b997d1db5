import type { CrashKind, CrashPoint } from '../../sim/disk/call-kinds.js';
import type { DiskProfile } from '../../sim/disk/profile.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/environment.js';

/** What is crashed: a store, the work done with it, and a memory of what it promised that outlives it. */
export interface CrashSubject<Memory> {
  /** What the world outside knows before the first call. */
  begin(): Memory;
  /** An independent copy, as of now. */
  copy(memory: Memory): Memory;
  /** A whole life of the store; tells `memory` what is issued and what is acknowledged. */
  work(environment: Environment, memory: Memory): Promise<void>;
  /** Opens what a crash left, holds it against `memory`, goes on working with it. */
  recover(environment: Environment, memory: Memory): Promise<void>;
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

/** How many disk calls the work makes when nothing stops it. */
export async function countCalls<Memory>(subject: CrashSubject<Memory>, world: CrashWorld): Promise<number> {
  const disk = newDisk(world);
  await runWhole(disk, (environment) => subject.work(environment, subject.begin()));
  return disk.callCount;
}

/** A disk after its first crash, and what was promised until then. */
export interface Crashed<Memory> {
  readonly disk: SimulatedDisk;
  readonly memory: Memory;
}

/** Runs the work until the world stops there, or at its end if it ends before. */
export async function crashWork<Memory>(
  subject: CrashSubject<Memory>,
  world: CrashWorld,
  stop: Stop,
): Promise<Crashed<Memory>> {
  const disk = newDisk(world);
  const memory = subject.begin();
  await runOrCrash(disk, stop, (environment) => subject.work(environment, memory));
  return { disk, memory };
}

/** Recovers, and again after a power cut: what recovery said and what it did afterwards is a promise too. */
export async function recoverTwice<Memory>(
  subject: CrashSubject<Memory>,
  { disk, memory }: Crashed<Memory>,
): Promise<void> {
  await runWhole(disk, (environment) => subject.recover(environment, memory));
  disk.crash('power');
  await describing('after a power cut behind the recovery', () =>
    runWhole(disk, (environment) => subject.recover(environment, memory)),
  );
}

/** Crashes the recovery at each of its calls, in each way that `choose` lets pass, and recovers from that. */
export async function crashRecovery<Memory>(
  subject: CrashSubject<Memory>,
  crashed: Crashed<Memory>,
  choose: (stop: Stop) => boolean,
): Promise<number> {
  const whole = crashed.disk.fork();
  const first = whole.callCount + 1;
  await runWhole(whole, (environment) => subject.recover(environment, subject.copy(crashed.memory)));
  let count = 0;
  for (let call = first; call <= whole.callCount; call += 1) {
    for (const stop of stopsAt(call)) {
      if (!choose(stop)) continue;
      count += 1;
      await describing(textOf(stop), () => crashRecoveryAt(subject, crashed, stop));
    }
  }
  return count;
}

async function crashRecoveryAt<Memory>(
  subject: CrashSubject<Memory>,
  crashed: Crashed<Memory>,
  stop: Stop,
): Promise<void> {
  const disk = crashed.disk.fork({ seed: stop.call });
  const memory = subject.copy(crashed.memory);
  await runOrCrash(disk, stop, (environment) => subject.recover(environment, memory));
  await recoverTwice(subject, { disk, memory });
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

/** Calls of which nobody waits may come later in another world: if the stop was not reached, the end is one. */
async function runOrCrash(
  disk: SimulatedDisk,
  stop: Stop,
  work: (environment: Environment) => Promise<void>,
): Promise<void> {
  const { call, at, crash } = stop;
  disk.onCall = ({ number }) => (number === call ? { crash, at } : undefined);
  const outcome = await disk.run(work);
  // A stop that was not reached must not wait for the recovery.
  disk.onCall = null;
  if (!outcome.crashed) disk.crash(crash);
}
