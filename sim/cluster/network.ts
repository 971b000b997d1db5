import type { Message } from '../raft/index.js';
import type { EventQueue } from '../world/event-queue.js';
import { Random, subSeed } from '../world/random.js';
import type { ClusterReach } from './cluster-reach.js';

/** How messages fare for a while; probabilities for each one. */
export interface Roughness {
  readonly drop: number;
  readonly duplicate: number;
  readonly late: number;
  readonly lateMs: number;
}

const CALM: Roughness = { drop: 0, duplicate: 0, late: 0, lateMs: 0 };

/** Of which life of its sender a message is, and to which of its receiver it was sent. */
export interface Lives {
  readonly from: number;
  readonly to: number;
}

export interface NetworkOptions {
  readonly queue: EventQueue;
  readonly seed: number;
  readonly reach: ClusterReach;
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Which life a node is in, or was in last. */
  readonly lifeOf: (id: string) => number;
  readonly deliver: (message: Message, lives: Lives) => void;
}

interface Link {
  readonly seed: number;
  sent: number;
  /** Latest arrival so far, to count overtaking. */
  arrivesMs: number;
}

/** Carries messages: late, twice, in another order, or not at all. Each message of a link draws from its own sub-seed. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #links: Map<string, Link> = new Map<string, Link>();
  readonly #random: Random = new Random(0);
  /** `from>to`, and by how many faults at once it is cut. */
  readonly #cut: Map<string, number> = new Map<string, number>();
  readonly #rough: Set<Roughness> = new Set<Roughness>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Nothing goes over this link until {@link mend}. */
  cut(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.#cut.set(key, (this.#cut.get(key) ?? 0) + 1);
  }

  mend(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.#cut.set(key, Math.max(0, (this.#cut.get(key) ?? 0) - 1));
  }

  roughen(roughness: Roughness): void {
    this.#rough.add(roughness);
  }

  smooth(roughness: Roughness): void {
    this.#rough.delete(roughness);
  }

  /** Everything works again; what is on its way still arrives. */
  heal(): void {
    this.#cut.clear();
    this.#rough.clear();
  }

  send(message: Message, life: number): void {
    const { reach, lifeOf } = this.#options;
    const key = `${message.from}>${message.to}`;
    if ((this.#cut.get(key) ?? 0) > 0) {
      reach['message-cut-off'] += 1;
      return;
    }
    const link = this.#link(key);
    link.sent += 1;
    this.#random.reseed(subSeed(link.seed, link.sent));
    const { drop, duplicate, late, lateMs } = this.#roughness();
    const random = this.#random;
    if (random.chance(drop)) {
      reach['message-dropped'] += 1;
      return;
    }
    const lives = { from: life, to: lifeOf(message.to) };
    const copies = random.chance(duplicate) ? 2 : 1;
    if (copies === 2) reach['message-duplicated'] += 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const isLate = random.chance(late);
      if (isLate) reach['message-late'] += 1;
      this.#carry(link, message, lives, isLate ? random.fraction() * lateMs : 0);
    }
  }

  #carry(link: Link, message: Message, lives: Lives, extraMs: number): void {
    const { queue, latencyMs, jitterMs, deliver, reach } = this.#options;
    const ms = latencyMs + this.#random.fraction() * jitterMs + extraMs;
    const arrivesMs = queue.nowMs + ms;
    if (arrivesMs < link.arrivesMs) reach['message-overtaken'] += 1;
    else link.arrivesMs = arrivesMs;
    queue.after(ms, () => {
      deliver(message, lives);
    });
  }

  #link(key: string): Link {
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const link = { seed: subSeed(this.#options.seed, key), sent: 0, arrivesMs: 0 };
    this.#links.set(key, link);
    return link;
  }

  /** Several faults at once add up. */
  #roughness(): Roughness {
    if (this.#rough.size === 0) return CALM;
    let { drop, duplicate, late, lateMs } = CALM;
    for (const each of this.#rough) {
      drop = Math.max(drop, each.drop);
      duplicate = Math.max(duplicate, each.duplicate);
      late = Math.max(late, each.late);
      lateMs = Math.max(lateMs, each.lateMs);
    }
    return { drop, duplicate, late, lateMs };
  }
}
