import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { PlanOp } from '../plan/plan.js';

/** What the platter held at some moment, by path. */
export type Moment = ReadonlyMap<string, Uint8Array>;

/** So many promises were kept when the disk had seen so many changes. */
interface Boundary {
  readonly promises: number;
  readonly sequence: number;
}

/**
 * The moments to which the rollbacks of a plan go back, and when what was promised was so: kept for plans that have such
 * an operation, and for no others.
 */
export class Moments {
  /** How often each place in the plan is gone back to. */
  readonly #wanted: Set<number> = new Set<number>();
  readonly #kept: Map<number, { readonly dir: string; readonly moment: Moment }> = new Map();
  readonly #boundaries: Boundary[] = [];
  #place = -1;

  constructor(ops: readonly PlanOp[]) {
    for (const [place, op] of ops.entries()) if (op.kind === 'rollback') this.#wanted.add(place - op.back);
  }

  /** The next operation begins: the fate of all that was saved before is known. */
  note(disk: SimulatedDisk, dir: string, promises: number): void {
    this.#place += 1;
    if (this.#wanted.size === 0) return;
    this.#boundaries.push({ promises, sequence: disk.fs.sequence });
    if (!this.#wanted.has(this.#place)) return;
    this.#kept.set(this.#place, { dir, moment: momentOf(disk) });
  }

  /** What the platter held `back` operations ago, under the present name of the directory; null if the plan begins later. */
  ago(back: number, dir: string): Moment | null {
    const kept = this.#kept.get(this.#place - back);
    if (kept === undefined) return null;
    const above = `${kept.dir}/`;
    const now = (path: string): string =>
      path.startsWith(above) ? `${dir}/${path.slice(above.length)}` : path;
    return new Map([...kept.moment].map(([path, bytes]) => [now(path), bytes]));
  }

  /** Where the changes of the disk stood when so many promises were kept for certain; null: perhaps just now. */
  sequenceOf(promises: number): number | null {
    return this.#boundaries.find((one) => one.promises >= promises)?.sequence ?? null;
  }
}

/** What the platter holds now. */
export function momentOf(disk: SimulatedDisk): Moment {
  return new Map(disk.listDurable().map((path) => [path, disk.readDurable(path) ?? new Uint8Array()]));
}
