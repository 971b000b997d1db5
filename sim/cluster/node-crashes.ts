import type { CrashPlan } from './cluster-plan.js';
import type { ClusterReach } from './cluster-reach.js';
import type { ArmedCall, NodeCalls } from './node-calls.js';

/** What a node may be in the midst of when it crashes. */
export type Doing = 'open' | 'install' | 'snapshot' | 'compaction';

/** What the world says of crashes to come, and is told of those that came. */
interface CrashWorld {
  readonly reach: ClusterReach;
  readonly crashesDuring: { readonly doing: string; readonly crash: CrashPlan }[];
}

/** The crashes that wait for a node: at a call to come, at an open to come, or at something that it begins. */
export class NodeCrashes {
  readonly doing: Set<Doing> = new Set<Doing>();
  /** They hit the opens to come, one each. */
  toCome: CrashPlan[] = [];
  /** How long the node stays down, of the crash that comes next; null: as it draws itself. */
  downMs: number | null = null;
  /** What a client asks once the node, in a later life, knows of a leader again. */
  asksAgain: { readonly behindLife: number; readonly ask: () => void } | null = null;
  readonly #world: CrashWorld;
  readonly #calls: NodeCalls;
  #during: ArmedCall | null = null;

  constructor(world: CrashWorld, calls: NodeCalls) {
    this.#world = world;
    this.#calls = calls;
  }

  /** The node crashes at a call to come. */
  arm(crash: CrashPlan): ArmedCall {
    const { how, at, downMs } = crash;
    const armed: ArmedCall = {
      ...crash,
      what: how,
      directive: { crash: how, at },
      onMet: () => {
        this.downMs = downMs;
      },
    };
    this.#calls.arm(armed);
    return armed;
  }

  /** What the node does from here to {@link finish} takes several calls, and a crash may wait for one of them. */
  begin(doing: Doing): void {
    this.doing.add(doing);
    const { crashesDuring } = this.#world;
    const waiting = crashesDuring.find((each) => each.doing === doing);
    if (waiting === undefined) return;
    crashesDuring.splice(crashesDuring.indexOf(waiting), 1);
    this.#during = this.arm(waiting.crash);
  }

  finish(doing: Doing): void {
    this.doing.delete(doing);
    if (this.#during !== null) this.#calls.disarm(this.#during);
    this.#during = null;
  }

  /** The node died: what it was in the midst of is over. Returns how long it stays down, if that was said. */
  died(): number | null {
    for (const doing of this.doing) {
      this.#world.reach[`crash-in-${doing}`] += 1;
      this.finish(doing);
    }
    const { downMs } = this;
    this.downMs = null;
    return downMs;
  }
}
