import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { createSimulatedDisk, type SimulatedDisk } from '../disk/simulated-disk.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import type { Configuration, Message, RaftStatus } from '../raft/index.js';
import { Random, subSeed } from '../world/random.js';
import type { HappeningKind } from '../world/run-watch.js';
import { Trace } from '../world/trace.js';
import { ClusterFinding } from './cluster-finding.js';
import type { CrashPlan } from './cluster-plan.js';
import { loseTail } from './lose-tail.js';
import { NodeCalls } from './node-calls.js';
import { NodeCrashes } from './node-crashes.js';
import { NodeHost } from './node-host.js';
import type { HostingNode, NodeWorld } from './node-world.js';
import { describeLog, PromisedLog } from './promised-log.js';
import { raftOn, restore } from './raft-on-log.js';
import { RegisterState } from './register-state.js';
import { traceMessage } from './trace-message.js';

/** More room than any node takes. */
const ROOMY_BYTES = 2 ** 30;

/** Opens that may fail one after the other before a damaged disk is given up. */
const OPENS_MAX = 3;

/** One node: a disk that stays, and lives that come and go on it. */
export class ClusterNode implements HostingNode {
  readonly id: string;
  readonly trace: Trace;
  readonly disk: SimulatedDisk;
  readonly calls: NodeCalls;
  readonly promised: PromisedLog = new PromisedLog();
  readonly votesSent: Map<number, string> = new Map<number, string>();
  readonly crashes: NodeCrashes;
  /** Counts its starts; messages and callbacks of an earlier one are told by it. */
  life = 0;
  host: NodeHost | null = null;
  isPaused = false;
  /** Its disk is gone, or holds something else than was written: it never starts again, under this name. */
  isLost = false;
  /** It stays down, though nothing is wrong with its disk. */
  isRetired = false;
  /** Its disk was damaged; the store may find it at any time. */
  isDamaged = false;
  /** Some call of its disk was made to fail, or its disk was full: errors of the environment have a cause. */
  hasSuffered = false;
  /** The life in which a call of its disk got stuck; it ends no sooner than the process. */
  stuckLife = 0;
  readonly #world: NodeWorld;
  readonly #number: number;
  readonly #first: Configuration;
  #wasOpened = false;
  #isStarting = false;
  #isClosing = false;
  #isInRepair = false;
  #unfitUntil = 0;
  #failedOpens = 0;
  #deferred: (() => void)[] = [];

  constructor(world: NodeWorld, number: number, first: Configuration) {
    const { seed, config } = world.plan;
    const { calls, diskSlowness: slowness = 1, copiesOnWrite = false } = config;
    const isWitness = (path: string): boolean => path.endsWith('.wal');
    this.id = `n${String(number + 1)}`;
    this.#world = world;
    this.#number = number;
    this.#first = first;
    this.trace = new Trace({ linesKept: world.linesKept });
    this.disk = createSimulatedDisk({
      seed: subSeed(seed, `disk ${this.id}`),
      profile: { calls, slowness, copiesOnWrite, isWitness },
      queue: world.queue,
      trace: this.trace,
      directories: ['/data'],
    });
    this.trace.watch = world.watch?.lane(this.id, this.disk, () => this.promised.lines()) ?? null;
    this.calls = new NodeCalls(this.disk);
    this.crashes = new NodeCrashes(world, this.calls);
  }

  get clock(): string {
    return `${this.#world.queue.nowMs.toFixed(3)} ms`;
  }

  /** Null while it does not run. */
  get status(): RaftStatus | null {
    return this.host?.isRunning === true ? this.host.status : null;
  }

  /** It may run, now or later, and vote. */
  get isHealthy(): boolean {
    return !this.isLost && !this.isDamaged && !this.#isInRepair && !this.isUnfit;
  }

  /** It lost its tail, and has not caught up to where it once was. */
  get isUnfit(): boolean {
    return this.promised.kept.commit < this.#unfitUntil;
  }

  /** It lost its tail once, and has all of it again. */
  get hasCaughtUp(): boolean {
    return this.#unfitUntil > 0 && !this.isUnfit;
  }

  start(): void {
    if (this.isLost || this.isRetired || this.#isInRepair || this.#isStarting || this.host !== null) return;
    this.life += 1;
    this.#isStarting = true;
    const { process } = this.disk;
    const { life } = this;
    if (life > 1) this.#world.reach.restarted += 1;
    this.#note('start', `starts, life ${String(life)}`);
    void process.died.then(() => {
      if (this.life === life) this.#died();
    });
    this.crashes.begin('open');
    const crash = this.crashes.toCome.shift();
    const armed = crash === undefined ? null : this.crashes.arm(crash);
    this.#open(process)
      .then(() => {
        if (armed !== null && this.life === life) this.calls.disarm(armed);
      })
      .catch((error: unknown) => {
        this.#world.found(error);
      });
  }

  /** The node crashes at this instant; it starts again after `downMs`. */
  crash(how: CrashPlan['how'], downMs: number): void {
    if (this.host === null && !this.#isStarting && !this.#isClosing) return;
    this.crashes.downMs = downMs;
    this.disk.crash(how);
  }

  /** How many bytes its disk has free from now on; null: more than it needs. */
  squeeze(freeBytes: number | null): void {
    const { fs } = this.disk;
    // Whoever repairs a store sees to it that there is room.
    if (freeBytes !== null && this.#isInRepair) return;
    if (freeBytes !== null) this.hasSuffered = true;
    // To everyone else the size of a disk stands; only the world itself makes it larger or smaller.
    const profile = fs.profile as { capacityBytes: number };
    profile.capacityBytes =
      freeBytes === null ? ROOMY_BYTES : profile.capacityBytes - fs.freeBytes + freeBytes;
  }

  /** Down for good. */
  retire(): void {
    this.isRetired = true;
    this.disk.crash('kill');
  }

  /** Its disk is gone for good, whatever the reason. */
  lose(): void {
    this.isLost = true;
    this.disk.crash('power');
  }

  /** A repair gives up the end of its log; then it starts again. */
  async loseTail(keepShare: number, downMs: number): Promise<void> {
    const { queue, reach, plan } = this.#world;
    this.#isInRepair = true;
    this.disk.crash('kill');
    this.calls.sleep();
    this.squeeze(null);
    const lost = await loseTail(this.disk, plan.config.store, keepShare, (log) => this.#settle(log));
    this.calls.wake();
    this.#isInRepair = false;
    if (lost !== null) {
      reach['tail-lost'] += 1;
      this.#note('fault', `lost all behind ${String(lost.lastIndex)} of ${String(lost.unfitUntil)}`);
      this.promised.giveUp(lost);
      this.#unfitUntil = Math.max(this.#unfitUntil, lost.unfitUntil);
    }
    queue.after(downMs, () => {
      this.start();
    });
  }

  pause(ms: number): void {
    if (this.isPaused || this.host === null) return;
    this.isPaused = true;
    this.#world.reach.paused += 1;
    const { life } = this;
    this.#world.queue.after(ms, () => {
      if (this.life === life) this.resume();
    });
  }

  resume(): void {
    this.isPaused = false;
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const run of deferred) run();
  }

  /** To be done when the process goes on. */
  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  #note(kind: HappeningKind, text: string): void {
    this.trace.note(`${this.clock} ${this.id} ${text}`, { kind });
  }

  /** `life`: the one in which it was when the message was sent. */
  receive(message: Message, life: number): void {
    if (this.host === null) return;
    this.traceMessage('takes', message);
    this.host.step(message, life);
  }

  traceMessage(verb: 'sends' | 'takes', message: Message): void {
    traceMessage(this.trace, this.id, this.#world.queue.nowMs, verb, message);
  }

  /** A life that cannot go on. The store is closed and opened again in the same process, or the process ends. */
  failed(host: NodeHost, error: unknown): void {
    this.#note('fail', `fails: ${error instanceof Error ? error.message : String(error)}`);
    this.host = null;
    if (!(error instanceof KeelsonError)) {
      this.#world.found(error instanceof ClusterFinding ? error : errorType(this.id, error));
      return;
    }
    if (error.family === 'caller') {
      const what = `${this.id}: the store refused what the Raft asked for: ${error.code}: ${error.message}`;
      this.#world.found(new ClusterFinding({ oracle: 'refusal', what, cause: error }));
      return;
    }
    if (error.family === 'damage') {
      this.#damageNamed(error);
      return;
    }
    this.judgeCause(error);
    this.#world.reach['store-latched'] += 1;
    if (this.#draw('failure').chance(0.5)) this.#end(this.#drawDownMs());
    else {
      this.#closeAndReopen(host).catch((closeError: unknown) => {
        this.#world.found(closeError);
      });
    }
  }

  /** An error of the environment must have a cause that the injector knows of. */
  judgeCause(error: KeelsonError): void {
    if (this.hasSuffered) return;
    const what = `${this.id} failed, though no call was made to fail: ${error.code}: ${error.message}`;
    this.#world.found(new ClusterFinding({ oracle: 'failed-without-cause', what, cause: error }));
  }

  /** Ends the process, whether it runs a Raft or not. */
  #end(downMs: number): void {
    this.crashes.downMs = downMs;
    this.disk.crash('kill');
  }

  async #closeAndReopen(host: NodeHost): Promise<void> {
    this.#isClosing = true;
    await host.closeReaders().catch(() => undefined);
    await host.log.close().catch((error: unknown) => {
      if (!isKeelsonError(error)) throw error;
    });
    this.#isClosing = false;
    const { life } = this;
    this.#world.reach['reopened-in-process'] += 1;
    this.#world.queue.after(this.#drawDownMs(), () => {
      if (this.life === life) this.start();
    });
  }

  #died(): void {
    const { reach } = this.#world;
    const wasLeader = this.host?.status.role === 'leader';
    if (wasLeader) reach['leader-crashed'] += 1;
    if (this.promised.pendingCount > 0) reach['crash-in-save'] += 1;
    this.host?.stop();
    this.host = null;
    this.#isStarting = false;
    this.#isClosing = false;
    this.isPaused = false;
    this.#deferred = [];
    this.#world.crashes += 1;
    const downMs = this.crashes.died() ?? this.#drawDownMs();
    const { life } = this;
    this.#world.queue.after(downMs, () => {
      if (this.life === life) this.start();
    });
  }

  async #open(process: SimulatedProcess): Promise<void> {
    const { config } = this.#world.plan;
    let log: RaftLog;
    const state = new RegisterState();
    try {
      log = await openRaftLog({
        dir: '/data/log',
        ...config.store,
        create: this.#wasOpened ? 'never' : 'if-missing',
        environment: process.environment,
      });
      this.#wasOpened = true;
      this.#settle(log);
      await restore(log, state);
    } catch (error) {
      this.#openFailed(error);
      return;
    }
    this.#world.rules.stands(this, state.applied, state.hash);
    this.#isStarting = false;
    this.#failedOpens = 0;
    this.crashes.finish('open');
    const raft = raftOn(log, this.id, this.#first, config.raft, this.#draw('raft'));
    this.host = new NodeHost({
      world: this.#world,
      node: this,
      log,
      raft,
      state,
      isAlive: () => process.isAlive,
    });
    this.#tickLater(this.host);
  }

  /** What was recovered must be what was promised, or one of the saves since. */
  #settle(log: RaftLog): void {
    const { promised } = this;
    this.trace.line(`${this.clock} ${this.id} recovers ${describeLog(log)}`, { kind: 'open' });
    const settled = promised.settle(log);
    if (settled === null) {
      const what = `${this.id} recovered a log that breaks its promises`;
      const expected = promised.lines();
      throw new ClusterFinding({ oracle: 'recovered-state', what, expected, found: describeLog(log) });
    }
    const { reach } = this.#world;
    if (settled.survived > 0) reach['unacknowledged-save-survived'] += 1;
    if (settled.survived < settled.pending) reach['unacknowledged-save-lost'] += 1;
  }

  #openFailed(error: unknown): void {
    this.#isStarting = false;
    this.crashes.finish('open');
    if (error instanceof ClusterFinding) throw error;
    if (!(error instanceof KeelsonError)) throw errorType(this.id, error);
    if (error.family === 'damage') {
      this.#damageNamed(error);
      return;
    }
    if (error.family === 'caller') {
      const what = `${this.id} was refused to open: ${error.code}: ${error.message}`;
      throw new ClusterFinding({ oracle: 'refusal', what, cause: error });
    }
    this.judgeCause(error);
    this.#world.reach['open-failed'] += 1;
    this.#failedOpens += 1;
    // A sector that cannot be read stays so: that is damage too, told as a read that fails.
    if (this.isDamaged && this.#failedOpens > OPENS_MAX) this.#replaced();
    else this.#end(this.#drawDownMs());
  }

  /** A node that cannot trust its disk never comes back under its name. */
  #damageNamed(error: KeelsonError): void {
    if (!this.isDamaged) {
      const what = `${this.id} reports damage, though nothing was damaged: ${error.message}`;
      this.#world.found(new ClusterFinding({ oracle: 'false-alarm', what, found: error.code, cause: error }));
      return;
    }
    this.#replaced();
  }

  #replaced(): void {
    this.#world.reach['damage-named'] += 1;
    this.lose();
    this.#world.operator.replace(this, this.#drawDownMs());
  }

  #tickLater(host: NodeHost): void {
    const { tickMs, driftPercent } = this.#world.plan.config;
    const drift = driftPercent[this.#number % driftPercent.length] ?? 0;
    this.#world.queue.after(tickMs * (1 + drift / 100), () => {
      if (this.host !== host) return;
      // Ticks that a process sleeps through are lost to it.
      if (!this.isPaused) host.tick();
      this.#tickLater(host);
    });
  }

  #draw(what: string): Random {
    return new Random(subSeed(subSeed(this.#world.plan.seed, `${what} ${this.id}`), this.life));
  }

  #drawDownMs(): number {
    return Math.round(this.#world.plan.config.tickMs * (1 + this.#draw('down').below(30)));
  }
}

function errorType(id: string, cause: unknown): ClusterFinding {
  return new ClusterFinding({ oracle: 'error-type', what: `${id} failed with ${String(cause)}`, cause });
}
