import type { CallKind } from '../disk/calls/call-kinds.js';
import type { CallNotice } from '../disk/calls/calls-to-come.js';
import type { Directive } from '../disk/harm/faults.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { subSeed } from '../world/random.js';
import { misplaceSector, rotAnywhere, rotNewestSnapshot } from './damage-sector.js';
import { isMeant } from './meant-call.js';
import { isCrash, type PlanFault } from './plan.js';

const SYNCS_OF_FILES: ReadonlySet<CallKind> = new Set<CallKind>(['dataSync', 'sync']);

/** A fault whose call has not come yet. */
interface ArmedFault {
  readonly fault: PlanFault;
  seen: number;
}

/** Told of a fault that meets its call, and of all calls of that operation so far. */
export type OnMet = (fault: PlanFault, calls: readonly CallNotice[], disk: SimulatedDisk) => void;

/** What has gone wrong so far, by the injector's own record: the oracles ask it whether an error has a cause. */
export interface Suffered {
  /** Calls made to fail since the last open began. */
  failures: number;
  /** Those of them for want of a descriptor, for which alone no log may latch. */
  shortages: number;
  /** Inodes of files of which a sync was made to fail since the last open began. */
  failedSyncs: Set<number>;
  /** Damage within the budget. */
  damage: number;
  /** Faults after which anything may be left. */
  overBudget: number;
}

/** Meets each call with the faults that the plan has for it. */
export class FaultsToCome {
  readonly suffered: Suffered = {
    failures: 0,
    shortages: 0,
    failedSyncs: new Set<number>(),
    damage: 0,
    overBudget: 0,
  };
  /** Called with each crash just before it happens, and with each call. */
  onCrash: (() => void) | null = null;
  watch: ((call: CallNotice) => void) | null = null;
  /** Called with each call before anything happens to it. */
  guard: ((call: CallNotice) => void) | null = null;
  /** Called with each fault as it meets its call, and the calls since {@link enter}, that one last. */
  onMet: OnMet | null = null;
  readonly #disk: SimulatedDisk;
  readonly #byPlace: Map<string, PlanFault[]> = new Map<string, PlanFault[]>();
  #armed: ArmedFault[] = [];
  #calls: CallNotice[] = [];
  readonly #seed: number;

  constructor(disk: SimulatedDisk, faults: readonly PlanFault[], seed: number) {
    this.#disk = disk;
    this.#seed = seed;
    for (const fault of faults) {
      const key = keyOf(fault.at.op, fault.at.life);
      const there = this.#byPlace.get(key) ?? [];
      there.push(fault);
      this.#byPlace.set(key, there);
    }
    disk.onCall = (call) => this.#meet(call);
  }

  /** From now on calls belong to this operation, or to the nth open behind it. */
  enter(op: number, life: number): void {
    this.#disk.beginOperation(`${op}/${life}`);
    this.#calls = [];
    this.#armed = (this.#byPlace.get(keyOf(op, life)) ?? []).map((fault) => ({ fault, seen: 0 }));
  }

  /** The end of what {@link enter} began: a crash whose call did not come happens now. */
  leave(): void {
    const crash = this.#armed.find(({ fault }) => isCrash(fault.kind));
    this.#armed = [];
    if (crash === undefined || !isCrash(crash.fault.kind)) return;
    this.onCrash?.();
    this.#disk.crash(crash.fault.kind);
  }

  /** No fault until the next {@link enter}. */
  calm(): void {
    this.#armed = [];
  }

  #meet(call: CallNotice): Directive | undefined {
    this.guard?.(call);
    this.watch?.(call);
    if (this.#armed.length === 0) return undefined;
    if (this.onMet !== null) this.#calls.push(call);
    for (const armed of this.#armed) {
      const { fault } = armed;
      if (!isMeant(call, fault.at, fault.kind, this.#disk)) continue;
      armed.seen += 1;
      if (armed.seen < fault.at.nth) continue;
      this.#armed = this.#armed.filter((other) => other !== armed);
      this.onMet?.(fault, this.#calls, this.#disk);
      const { trace } = this.#disk;
      if (trace.keepsLines)
        trace.line(`fault ${fault.kind} meets ${call.kind} ${call.path}`, { kind: 'fault', path: call.path });
      const directive = this.#happen(fault, call);
      if (directive !== undefined) return directive;
    }
    return undefined;
  }

  #happen({ kind, arg, at }: PlanFault, call: CallNotice): Directive | undefined {
    const { suffered } = this;
    const seed = subSeed(this.#seed, `${at.op}/${at.life}/${kind}/${at.nth}`);
    switch (kind) {
      case 'kill':
      case 'power':
      case 'kill-power':
        this.onCrash?.();
        return { crash: kind, at: arg ?? 'before' };
      case 'EIO':
      case 'ENOSPC':
      case 'EMFILE':
        suffered.failures += 1;
        if (SYNCS_OF_FILES.has(call.kind) && call.ino !== null) suffered.failedSyncs.add(call.ino);
        if (kind === 'EMFILE') suffered.shortages += 1;
        return { code: kind };
      case 'bit-rot':
      case 'unreadable-sector':
        if (this.#disk.damage(kind, seed)) suffered.damage += 1;
        return undefined;
      case 'snapshot-rot':
        if (rotNewestSnapshot(this.#disk, seed)) suffered.damage += 1;
        return undefined;
      case 'misplaced-sector':
        if (misplaceSector(this.#disk, seed)) suffered.damage += 1;
        return undefined;
      case 'rot-anywhere':
        if (rotAnywhere(this.#disk, seed)) suffered.overBudget += 1;
        return undefined;
      case 'misdirected-write':
        suffered.overBudget += 1;
        return { fault: kind };
      case 'eviction':
        // Behind a failed sync the disk then shows other bytes than a moment ago, and an open may say so.
        if ([...this.#disk.fs.unsettled].some(({ mayDiffer }) => mayDiffer)) suffered.failures += 1;
        return { fault: kind };
      case 'short-read':
      case 'short-write':
      case 'slow':
      case 'stuck':
        return { fault: kind };
    }
  }
}

function keyOf(op: number, life: number): string {
  return `${op}/${life}`;
}
