import { anomalies } from '../history/linearizable.js';
import type { Operation } from '../history/operation.js';
import { ClusterFinding } from './cluster-finding.js';
import type { EventQueue } from '../world/event-queue.js';
import type { ClusterReach } from './cluster-reach.js';
import type { NodeHost } from './node-host.js';
import { encodePut } from './register-state.js';

/** An operation of the history, while its end is not known. */
type OpenOperation = { -readonly [field in keyof Operation]: Operation[field] };

/** What clients know of the world. */
interface ClientsWorld {
  readonly queue: EventQueue;
  readonly reach: ClusterReach;
}

/** Whom they ask; it may be down. */
type Asked = { readonly host: Pick<NodeHost, 'propose' | 'read'> | null } | null;

/** Clients that write and read registers, and remember what they saw and when. */
export class Clients {
  readonly #world: ClientsWorld;
  readonly #history: OpenOperation[] = [];
  #count = 0;

  constructor(world: ClientsWorld) {
    this.#world = world;
  }

  /** Writes a value of its own; what is refused at once never happened. */
  put(node: Asked, key: number, bytes: number): void {
    const { reach, queue } = this.#world;
    const operation = this.#operation('write', key);
    const value = `v${String(this.#count)}`;
    operation.value = value;
    const host = node?.host ?? null;
    const isTaken = host?.propose(encodePut(operation.key, value, bytes), (isKept) => {
      if (isKept) {
        operation.returnedMs = queue.nowMs;
        reach['put-done'] += 1;
      } else {
        // Another entry was applied in its place, so it will never be: whoever reads it sees a ghost.
        this.#history.splice(this.#history.indexOf(operation), 1);
        reach['put-lost'] += 1;
      }
    });
    if (isTaken === true) this.#history.push(operation);
  }

  /** Reads a register; a read that is not answered is as good as none. */
  get(node: Asked, key: number): void {
    const { reach, queue } = this.#world;
    const operation = this.#operation('read', key);
    node?.host?.read((state) => {
      operation.value = state.value(operation.key);
      operation.returnedMs = queue.nowMs;
      this.#history.push(operation);
      reach['get-done'] += 1;
    });
  }

  /** Throws if no order of what was seen makes sense. */
  judge(): void {
    const { reach } = this.#world;
    reach['put-unknown'] += this.#history.filter(({ returnedMs }) => returnedMs === Infinity).length;
    reach['history-judged'] += 1;
    const [anomaly] = anomalies(this.#history);
    if (anomaly === undefined) return;
    const { key, operation, held } = anomaly;
    const { kind, value, client, invokedMs, returnedMs } = operation;
    throw new ClusterFinding({
      oracle: 'linearizability',
      what: `no order of the operations on ${key} explains ${client}'s ${kind} of ${String(value)}, asked at ${invokedMs.toFixed(3)} ms and answered at ${returnedMs.toFixed(3)} ms`,
      found: `where the search got farthest the register held ${String(held)}`,
    });
  }

  #operation(kind: 'read' | 'write', key: number): OpenOperation {
    this.#count += 1;
    const invokedMs = this.#world.queue.nowMs;
    return {
      key: `k${String(key)}`,
      client: `c${String(this.#count)}`,
      kind,
      value: null,
      invokedMs,
      returnedMs: Infinity,
    };
  }
}
