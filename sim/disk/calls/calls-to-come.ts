import { Random, seedOf, subSeed } from '../../world/random.js';
import type { Action } from './action.js';
import {
  type CallCounts,
  type CallKind,
  type CrashKind,
  type CrashPoint,
  newCallCounts,
} from './call-kinds.js';
import { type Directive, drawFaults, type FaultKind } from '../harm/faults.js';
import type { DiskProfile } from '../harm/profile.js';
import type { RawAccess } from '../image/raw-access.js';

/** A call that is about to be made, as a test that watches it sees it. */
export interface CallNotice {
  /** Counted from 1 over the life of the disk, over all processes. */
  readonly number: number;
  /** Which call of the port. */
  readonly kind: CallKind;
  /** The file or directory; of a rename or a link the old name. */
  readonly path: string;
  /** Where in the file it reads or writes; 0 of other calls. */
  readonly position: number;
  /** How many bytes it reads or writes; 0 of other calls. */
  readonly length: number;
  /** The inode of a call on an open file, whatever its name is by now. */
  readonly ino: number | null;
  /** The new name of a rename or a link. */
  readonly to: string | null;
  /** Bytes that it carries to the disk. */
  readonly bytes: Uint8Array | null;
  /** The process that makes it. */
  readonly processId: number;
  /**
   * Does to a fork of the disk what is left when the world stops in the midst of this call; crash the fork
   * next. So one run shows, at each call, what a crash there can leave.
   */
  tearOn(fork: RawAccess, seed: number | string): void;
  /**
   * Whether it will change a byte, a size or a name of `disk`, in the page cache or on the platter. Between two such
   * calls every crash leaves the same.
   */
  changes(disk: RawAccess): boolean;
}

/** What is to happen at one call, from all sources together. */
export interface CallPlan {
  readonly number: number;
  /** Of all that is drawn for this call. */
  readonly seed: number;
  readonly crash: { readonly kind: CrashKind; readonly at: CrashPoint } | null;
  /** Fails with this code. */
  readonly code: string | null;
  /** Faults that do not fail the call. */
  readonly faults: readonly FaultKind[];
}

const NO_FAULTS: readonly FaultKind[] = [];

/**
 * Counts the calls and says what is to happen at each: what a test has directed at its number, what a
 * watching test answers, and what is drawn by probability.
 */
export class CallsToCome {
  readonly counts: CallCounts = newCallCounts();
  /** Called before each call; what it returns happens to that call. */
  onCall: ((call: CallNotice) => Directive | undefined) | null = null;
  readonly #profile: DiskProfile;
  readonly #seed: number;
  readonly #directed: Map<number, Directive[]> = new Map<number, Directive[]>();
  readonly #random: Random = new Random(0);
  readonly #drawsFaults: boolean;
  #count = 0;
  #operationSeed: number;
  #countInOperation = 0;

  constructor(seed: number, profile: DiskProfile) {
    this.#seed = seed;
    this.#operationSeed = subSeed(seed, 'calls');
    this.#profile = profile;
    this.#drawsFaults = Object.values(profile.faults).some((rate) => rate > 0);
  }

  get count(): number {
    return this.#count;
  }

  /** Goes on counting where another disk was, so that a fork numbers its calls alike. */
  continueFrom(other: CallsToCome): void {
    this.#count = other.#count;
    this.#operationSeed = other.#operationSeed;
    this.#countInOperation = other.#countInOperation;
    Object.assign(this.counts, other.counts);
  }

  direct(call: number, directive: Directive): void {
    const directed = this.#directed.get(call) ?? [];
    directed.push(directive);
    this.#directed.set(call, directed);
  }

  /** From now on calls draw from the sub-seed of this operation, so that other operations may be left out. */
  beginOperation(id: number | string): void {
    this.#operationSeed = subSeed(subSeed(this.#seed, 'calls'), id);
    this.#countInOperation = 0;
  }

  next(action: Action<unknown>, processId: number): CallPlan {
    const number = ++this.#count;
    this.counts[action.kind] += 1;
    const seed = subSeed(this.#operationSeed, ++this.#countInOperation);
    let plan: CallPlan = { number, seed, crash: null, code: null, faults: NO_FAULTS };
    if (this.#drawsFaults) {
      this.#random.reseed(subSeed(seed, 'faults'));
      for (const fault of drawFaults(action.kind, this.#profile.faults, this.#random)) {
        plan = withDirective(plan, { fault });
      }
    }
    const directed = this.#directed.get(number);
    if (directed !== undefined) for (const directive of directed) plan = withDirective(plan, directive);
    if (this.onCall !== null) {
      const directive = this.onCall(new Notice(action, number, processId, seed));
      if (directive !== undefined) plan = withDirective(plan, directive);
    }
    return plan;
  }
}

/** One class rather than a literal with a closure: each call makes one. */
class Notice implements CallNotice {
  declare readonly number: number;
  declare readonly kind: CallKind;
  declare readonly path: string;
  declare readonly position: number;
  declare readonly length: number;
  declare readonly processId: number;
  readonly #action: Action<unknown>;
  readonly #seed: number;

  constructor(action: Action<unknown>, number: number, processId: number, seed: number) {
    this.number = number;
    this.kind = action.kind;
    this.path = action.path;
    this.position = action.position;
    this.length = action.length;
    this.processId = processId;
    this.#action = action;
    this.#seed = seed;
  }

  get ino(): number | null {
    return this.#action.ino;
  }

  get to(): string | null {
    return this.#action.to;
  }

  get bytes(): Uint8Array | null {
    return this.#action.bytes;
  }

  tearOn(fork: RawAccess, seed: number | string): void {
    this.#action.tear(fork.fs, new Random(subSeed(this.#seed, seedOf(seed))));
  }

  changes(disk: RawAccess): boolean {
    return this.#action.changes(disk.fs);
  }
}

function withDirective(plan: CallPlan, directive: Directive): CallPlan {
  if ('crash' in directive) return { ...plan, crash: { kind: directive.crash, at: directive.at } };
  if ('code' in directive) return { ...plan, code: directive.code };
  return { ...plan, faults: [...plan.faults, directive.fault] };
}
