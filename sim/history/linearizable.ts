import { byKey, type Operation } from './operation.js';

/** A key whose operations no order explains, and how far an order could be found. */
export interface Anomaly {
  readonly key: string;
  /** The operation answered first of those that no order could reach. */
  readonly operation: Operation;
  /** What the register held where the search got farthest. */
  readonly held: string | null;
}

/**
 * Judges a history of registers, one by one, each null at first (Herlihy and Wing 1990; the search is Wing and Gong's,
 * with Lowe's memory of where it has been). Returns the keys that no register could have answered so.
 */
export function anomalies(operations: readonly Operation[]): readonly Anomaly[] {
  const found: Anomaly[] = [];
  for (const [key, history] of byKey(operations)) {
    const anomaly = new Search(key, history).run();
    if (anomaly !== null) found.push(anomaly);
  }
  return found;
}

/** How far an order has come: all before `from` are in it, and of those after it the ones in `ahead`. */
interface Place {
  readonly from: number;
  readonly ahead: ReadonlySet<number>;
  readonly held: string | null;
}

class Search {
  readonly #key: string;
  readonly #history: readonly Operation[];
  readonly #visited = new Set<string>();
  #farthest: Place = { from: 0, ahead: new Set(), held: null };

  constructor(key: string, history: readonly Operation[]) {
    this.#key = key;
    this.#history = history;
  }

  run(): Anomaly | null {
    const open: Place[] = [this.#farthest];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (this.#isDone(place)) return null;
      if (place.from > this.#farthest.from) this.#farthest = place;
      // Last in, first out: the operation that was answered first is tried first, which is nearly always right.
      for (const next of this.#next(place).reverse()) {
        const name = `${next.from}|${[...next.ahead].sort((a, b) => a - b).join(',')}|${next.held ?? '\0'}`;
        if (this.#visited.has(name)) continue;
        this.#visited.add(name);
        open.push(next);
      }
    }
    return this.#anomaly();
  }

  /** Writes of unknown fate need not have happened. */
  #isDone({ from, ahead }: Place): boolean {
    for (let at = from; at < this.#history.length; at += 1) {
      if (!ahead.has(at) && this.#history[at]!.returnedMs !== Infinity) return false;
    }
    return true;
  }

  /** The operations that may come next: those invoked before any of the rest was answered, and that fit. */
  #next(place: Place): Place[] {
    const candidates: number[] = [];
    let firstReturnMs = Infinity;
    for (let at = place.from; at < this.#history.length; at += 1) {
      const { invokedMs, returnedMs } = this.#history[at]!;
      if (invokedMs > firstReturnMs) break;
      if (place.ahead.has(at)) continue;
      candidates.push(at);
      firstReturnMs = Math.min(firstReturnMs, returnedMs);
    }
    return candidates
      .filter((at) => this.#history[at]!.invokedMs <= firstReturnMs && this.#fits(at, place.held))
      .sort((a, b) => this.#history[a]!.returnedMs - this.#history[b]!.returnedMs)
      .map((at) => this.#advance(place, at));
  }

  #fits(at: number, held: string | null): boolean {
    const { kind, value } = this.#history[at]!;
    return kind === 'write' || value === held;
  }

  #advance({ from, ahead, held }: Place, at: number): Place {
    const next = new Set(ahead).add(at);
    let start = from;
    while (next.delete(start)) start += 1;
    const { kind, value } = this.#history[at]!;
    return { from: start, ahead: next, held: kind === 'write' ? value : held };
  }

  #anomaly(): Anomaly {
    const { from, ahead, held } = this.#farthest;
    const rest = this.#history.filter((_, at) => at >= from && !ahead.has(at));
    const operation = rest.reduce((first, one) => (one.returnedMs < first.returnedMs ? one : first));
    return { key: this.#key, operation, held };
  }
}
