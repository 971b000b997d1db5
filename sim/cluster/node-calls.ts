import type { CallNotice } from '../disk/calls/calls-to-come.js';
import type { Directive } from '../disk/harm/faults.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { type CallSelector, isMeant } from '../plan/meant-call.js';
import type { PlanFaultKind } from '../plan/plan.js';

/** Something that is to happen to the nth call of a class, counted from when it was armed. */
export interface ArmedCall extends CallSelector {
  readonly nth: number;
  readonly what: PlanFaultKind;
  readonly directive: Directive;
  /** Called when its call has come, before it is carried out. */
  readonly onMet: () => void;
}

/** Meets the calls of one node's disk with what is armed for them. */
export class NodeCalls {
  #isAsleep = false;
  #armed: { readonly call: ArmedCall; seen: number }[] = [];

  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
    disk.onCall = (notice) => this.#meet(notice);
  }

  arm(call: ArmedCall): void {
    this.#armed.push({ call, seen: 0 });
  }

  /** False if its call had come already. */
  disarm(call: ArmedCall): boolean {
    const before = this.#armed.length;
    this.#armed = this.#armed.filter((armed) => armed.call !== call);
    return this.#armed.length < before;
  }

  calm(): void {
    this.#armed = [];
  }

  /** Nothing happens to any call until {@link wake}; what is armed waits. */
  sleep(): void {
    this.#isAsleep = true;
  }

  wake(): void {
    this.#isAsleep = false;
  }

  #meet(notice: CallNotice): Directive | undefined {
    if (this.#isAsleep) return undefined;
    for (const armed of this.#armed) {
      const { call } = armed;
      if (!isMeant(notice, call, call.what, this.#disk)) continue;
      armed.seen += 1;
      if (armed.seen < call.nth) continue;
      this.disarm(call);
      call.onMet();
      return call.directive;
    }
    return undefined;
  }
}
