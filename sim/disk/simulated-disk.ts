import type { Environment } from '../../src/disk/environment.js';
import type { Awaitable, CallMode, Disk } from '../../src/disk/port.js';
import { systemCode } from '../../src/disk/system-error.js';
import { EventQueue } from '../world/event-queue.js';
import { hashOfText, Random, seedOf, subSeed } from '../world/random.js';
import { Trace } from '../world/trace.js';
import type { Action } from './calls/action.js';
import type { CallCounts, CallKind, CrashKind, CrashPoint } from './calls/call-kinds.js';
import { type CallNotice, type CallPlan, CallsToCome } from './calls/calls-to-come.js';
import type { Counters } from './calls/counters.js';
import { CallOutcome } from './calls/call-outcome.js';
import { Failed } from './calls/failed.js';
import type { Directive } from './harm/faults.js';
import { giveBack } from './calls/handle-actions.js';
import { WriteAction } from './calls/file-actions.js';
import { FileSystem } from './image/file-system.js';
import { drawLatencyMs, type Pace } from './calls/latency.js';
import type { OpenFile } from './image/open-file.js';
import { cutPower } from './harm/power-cut.js';
import { killProcess } from './harm/process-kill.js';
import { type DiskProfile, drawProfile } from './harm/profile.js';
import { RawAccess } from './image/raw-access.js';
import type { RunOutcome } from './calls/run-outcome.js';
import { damageWithinBudget } from './harm/rot.js';
import { clockText, traceCall } from './calls/trace-call.js';
import { type Machine, SimulatedProcess } from './simulated-process.js';

/** What a simulated disk is made of. */
export interface SimulatedDiskOptions {
  /** All that the disk draws follows from it: the same seed and the same calls give the same trace. */
  readonly seed: number | string;
  /** What is left out is drawn from the seed or defaulted; see {@link DiskProfile}. */
  readonly profile?: Partial<DiskProfile>;
  /** To share virtual time with other disks and a network. Default: a queue of its own that drives itself. */
  readonly queue?: EventQueue;
  /** Where it notes what happens. Default: one of its own, which keeps no lines. */
  readonly trace?: Trace;
  /** Directories that are there, durably, from the start. */
  readonly directories?: readonly string[];
}

/** How a fork differs from the disk that it is a copy of. */
export interface ForkOptions {
  /** Another seed gives another of the states that a crash can leave. Default: the disk's own. */
  readonly seed?: number | string;
  /** Where the fork notes what happens. Default: one of its own. */
  readonly trace?: Trace;
  /** Its virtual time: that of the disk, to share it. Default: a queue of its own. */
  readonly queue?: EventQueue;
}

interface World {
  readonly seed: number;
  readonly queue: EventQueue;
  readonly trace: Trace;
  readonly processCount?: number;
}

const LATENCY = hashOfText('latency');

const CHANGES_NAMES: ReadonlySet<CallKind> = new Set<CallKind>(['open', 'mkdir', 'rename', 'unlink', 'link']);

/** A call that was issued and has not returned. */
interface CallUnderWay {
  readonly action: Action<unknown>;
  readonly plan: CallPlan;
  readonly process: SimulatedProcess | null;
}

/**
 * Makes a disk in virtual time that can crash. Give `environment` to the store, `crash` it at will, and open
 * the store again on the `environment` that is there then.
 */
export function createSimulatedDisk(options: SimulatedDiskOptions): SimulatedDisk {
  const seed = seedOf(options.seed);
  const disk = new SimulatedDisk(new FileSystem(drawProfile(seed, options.profile ?? {})), {
    seed,
    queue: options.queue ?? new EventQueue(),
    trace: options.trace ?? new Trace(),
  });
  for (const path of options.directories ?? []) disk.makeDirectory(path);
  return disk;
}

/** See {@link createSimulatedDisk}. */
export class SimulatedDisk extends RawAccess {
  /** Its virtual time. */
  readonly queue: EventQueue;
  /** What happened to it, in order. */
  readonly trace: Trace;
  readonly #seed: number;
  readonly #calls: CallsToCome;
  readonly #random: Random = new Random(0);
  readonly #machine: Machine;
  readonly #outcome: CallOutcome;
  #processes: SimulatedProcess[] = [];
  #process: SimulatedProcess;
  #underWay: CallUnderWay[] = [];
  #processCount: number;
  #crashCount = 0;

  constructor(fs: FileSystem, world: World) {
    super(fs);
    this.#processCount = world.processCount ?? 0;
    this.#seed = world.seed;
    this.queue = world.queue;
    this.trace = world.trace;
    this.#calls = new CallsToCome(world.seed, fs.profile);
    this.#outcome = new CallOutcome(fs);
    this.#machine = this.#asMachine();
    this.#process = this.startProcess();
  }

  /** The process that the store runs in; after a crash a new one. */
  get process(): SimulatedProcess {
    return this.#process;
  }

  /** The port, as the present process sees it. */
  get disk(): Disk {
    return this.#process;
  }

  /** The present process's whole world. */
  get environment(): Environment {
    return this.#process.environment;
  }

  /** What kind of disk it is, everything drawn. */
  get profile(): DiskProfile {
    return this.fs.profile;
  }

  /** How often each fault and each kind of survival happened. */
  get counters(): Counters {
    return this.fs.counters;
  }

  /** Calls made so far; the next one has the number above it. */
  get callCount(): number {
    return this.#calls.count;
  }

  /** Calls made of it so far, by kind. */
  get callCounts(): Readonly<CallCounts> {
    return this.#calls.counts;
  }

  /** A call is under way that may make, take or move a name. */
  get isChangingNames(): boolean {
    return this.#underWay.some(({ action }) => CHANGES_NAMES.has(action.kind));
  }

  /** Starts one more process on the same machine, beside those that live. */
  startProcess(): SimulatedProcess {
    const id = ++this.#processCount;
    const process = new SimulatedProcess(this.#machine, id, subSeed(subSeed(this.#seed, 'process'), id));
    this.#processes.push(process);
    return process;
  }

  /**
   * All processes die at this instant; with `'power'` the page cache goes too. Calls under way are done,
   * undone or half done. Afterwards {@link environment} is that of a new process, and what is left is traced.
   */
  crash(kind: CrashKind): void {
    if (kind === 'kill-power') {
      this.crash('kill');
      this.crash('power');
      return;
    }
    const random = new Random(subSeed(subSeed(this.#seed, 'crash'), ++this.#crashCount));
    const text = `${this.#clock()} crash ${kind}, ${this.#underWay.length} calls under way`;
    this.#tearCallsUnderWay(() => true);
    for (const process of this.#processes) process.die();
    this.#processes = [];
    this.fs.endFencing();
    if (kind === 'kill') killProcess(this.fs, random);
    else cutPower(this.fs, random);
    this.#process = this.startProcess();
    this.trace.note(text, { kind: 'crash' });
  }

  /**
   * A copy of the disk at this instant, with its calls under way but without its processes: crash it to see
   * one of the states that a crash here can leave. Another `seed` gives another of them. A queue and a trace
   * of its own.
   */
  fork(options: ForkOptions = {}): SimulatedDisk {
    const fork = new SimulatedDisk(this.fs.clone(), {
      seed: options.seed === undefined ? this.#seed : subSeed(this.#seed, seedOf(options.seed)),
      queue: options.queue ?? new EventQueue(),
      trace: options.trace ?? new Trace(),
      processCount: this.#processCount,
    });
    if (fork.queue !== this.queue) fork.queue.elapse(this.queue.nowMs);
    fork.#calls.continueFrom(this.#calls);
    fork.#crashCount = this.#crashCount;
    fork.#underWay = this.#underWay.map(({ action, plan }) => ({
      action: action instanceof WriteAction ? action.copy() : action,
      plan,
      process: null,
    }));
    return fork;
  }

  /** The world stops at this call: see {@link CrashPoint}. */
  stopAt(stop: { readonly call: number; readonly at: CrashPoint; readonly crash: CrashKind }): void {
    this.#calls.direct(stop.call, { crash: stop.crash, at: stop.at });
  }

  /** This call fails with `code`, or suffers a fault, and leaves behind what such a failure leaves. */
  direct(call: number, directive: Directive): void {
    this.#calls.direct(call, directive);
  }

  /** A watcher of each call before it is made; what it returns happens to that call. One at a time. */
  set onCall(watch: ((call: CallNotice) => Directive | undefined) | null) {
    this.#calls.onCall = watch;
  }

  /** From now on calls draw from the sub-seed of this operation of a plan. */
  beginOperation(id: number | string): void {
    this.#calls.beginOperation(id);
  }

  /** A process, by default the present one, loses its locks without being told; false if it holds none. */
  loseLock(process: SimulatedProcess = this.#process): boolean {
    return this.#outcome.loseLocks(process);
  }

  /** Damages one sector that the budget allows, as the fault of that name does; false if it allows none. */
  damage(kind: 'bit-rot' | 'unreadable-sector', seed: number | string): boolean {
    return damageWithinBudget(this.fs, kind, new Random(subSeed(this.#seed, seedOf(seed))));
  }

  /** Runs work in the present process until it has settled, or until that process dies. */
  run<T>(work: (environment: Environment) => Promise<T>): Promise<RunOutcome<T>> {
    const process = this.#process;
    const done = work(process.environment).then((value): RunOutcome<T> => ({ crashed: false, value }));
    const died = process.died.then((): RunOutcome<T> => ({ crashed: true }));
    return this.queue.runUntil(Promise.race([died, done]));
  }

  #asMachine(): Machine {
    const { fs } = this;
    return {
      queue: this.queue,
      get sequence() {
        return fs.sequence;
      },
      get openFilesMax() {
        return fs.profile.openFilesMax;
      },
      isInline: (mode) => {
        const { calls } = fs.profile;
        return calls === 'inline' || (calls === 'as-asked' && mode === 'inline');
      },
      perform: <T>(process: SimulatedProcess, action: Action<T>, mode: CallMode) =>
        this.#perform(process, action, mode),
      opened: (node) => {
        if (node.kind === 'file') fs.opened(node);
      },
      closed: (file: OpenFile) => {
        giveBack(fs, file);
      },
      kill: (process) => {
        this.#killOne(process);
      },
    };
  }

  #perform<T>(process: SimulatedProcess, action: Action<T>, mode: CallMode): Awaitable<T> {
    action.caller = process;
    const plan = this.#calls.next(action, process.id);
    const pace = this.#prepare(action, plan, process);
    const isInline = this.#machine.isInline(mode) && pace !== 'stuck';
    const slowness = isInline ? 1 : this.fs.profile.slowness;
    const latencyMs = drawLatencyMs(action.kind, subSeed(plan.seed, LATENCY), pace, slowness);
    if (plan.crash?.at === 'before') return this.#crashAt(plan.crash.kind);
    if (isInline) return this.#performInline(process, action, plan, latencyMs);
    return this.#performLater(process, action, plan, latencyMs);
  }

  #performInline<T>(
    process: SimulatedProcess,
    action: Action<T>,
    plan: CallPlan,
    latencyMs: number,
  ): Awaitable<T> {
    if (plan.crash?.at === 'inside') {
      this.#underWay.push({ action, plan, process });
      return this.#crashAt(plan.crash.kind);
    }
    this.queue.elapse(latencyMs);
    const value = this.#carryOut(action, plan, process);
    if (plan.crash !== null) return this.#crashAt(plan.crash.kind);
    if (value instanceof Failed) throw value.error;
    return value;
  }

  #performLater<T>(
    process: SimulatedProcess,
    action: Action<T>,
    plan: CallPlan,
    latencyMs: number,
  ): Promise<T> {
    const call: CallUnderWay = { action, plan, process };
    this.#underWay.push(call);
    const { crash } = plan;
    if (crash?.at === 'inside')
      this.queue.after(latencyMs / 2, () => {
        if (process.isAlive) this.crash(crash.kind);
      });
    return new Promise<T>((resolve, reject) => {
      this.queue.after(latencyMs, () => {
        if (!process.isAlive) return;
        this.#underWay.splice(this.#underWay.indexOf(call), 1);
        const value = this.#carryOut(action, plan, process);
        if (crash !== null) this.crash(crash.kind);
        else if (value instanceof Failed) reject(value.error);
        else resolve(value);
      });
    });
  }

  #carryOutFaults<T>(action: Action<T>, plan: CallPlan): T {
    this.#random.reseed(subSeed(plan.seed, 'effect'));
    return this.#outcome.carryOut(action, plan, this.#random);
  }

  #prepare(action: Action<unknown>, plan: CallPlan, process: SimulatedProcess): Pace {
    if (this.#isPlain(plan)) return 'usual';
    this.#random.reseed(subSeed(plan.seed, 'before'));
    return this.#outcome.prepare(action, plan, process, this.#random);
  }

  /** Nearly all calls: nothing was drawn for them, so nothing need be drawn from. */
  #isPlain(plan: CallPlan): boolean {
    return plan.code === null && plan.faults.length === 0;
  }

  /** A process whose world has stopped waits for ever: no line of its code runs on behind this call. */
  #crashAt<T>(kind: CrashKind): Promise<T> {
    this.crash(kind);
    return new Promise<T>(() => undefined);
  }

  #carryOut<T>(action: Action<T>, plan: CallPlan, process: SimulatedProcess): T | Failed {
    try {
      const value = this.#isPlain(plan) ? action.run(this.fs) : this.#carryOutFaults(action, plan);
      traceCall(this.trace, this.queue.nowMs, {
        action,
        number: plan.number,
        processId: process.id,
        result: typeof value === 'number' ? value : 0,
        outcome: 'ok',
      });
      return value;
    } catch (error) {
      traceCall(this.trace, this.queue.nowMs, {
        action,
        number: plan.number,
        processId: process.id,
        result: -1,
        outcome: systemCode(error) ?? String(error),
      });
      return new Failed(error);
    }
  }

  #clock(): string {
    return clockText(this.queue.nowMs);
  }

  #killOne(process: SimulatedProcess): void {
    const random = new Random(subSeed(subSeed(this.#seed, 'crash'), ++this.#crashCount));
    this.#tearCallsUnderWay((call) => call.process === process);
    process.die();
    this.#processes = this.#processes.filter((other) => other !== process);
    killProcess(this.fs, random);
    if (process === this.#process) this.#process = this.startProcess();
    this.trace.note(`${this.#clock()} p${process.id} killed`, { kind: 'crash' });
  }

  #tearCallsUnderWay(concerns: (call: CallUnderWay) => boolean): void {
    const torn = this.#underWay.filter(concerns);
    this.#underWay = this.#underWay.filter((call) => !concerns(call));
    for (const { action, plan } of torn) {
      this.#random.reseed(subSeed(subSeed(plan.seed, 'torn'), this.#seed));
      action.tear(this.fs, this.#random);
      this.fs.count('call-torn-by-crash');
    }
  }
}
