import { Connections } from '../../kv/client/connections.js';
import { GaveUpError, KvClient } from '../../kv/client/kv-client.js';
import type { Random } from '../../../sim/index.js';
import type { Text } from '../single/text.js';
import type { Operation } from '../../../sim/history/operation.js';

/** Clients that load the text. */
const LOADERS = 24;
/** Clients that read and write the same few keys, so that there is an order to be judged. */
const RIVALS = 4;
const HOT_KEYS = 3;
/** Long: a client gives up only when the demonstration does. */
const GIVE_UP_MS = 3_600_000;

/** A write that was acknowledged. */
export interface Acked {
  readonly key: string;
  readonly value: Buffer;
  /** Its place among all writes. */
  readonly revision: number;
}

/** Concurrent clients at work on the cluster, and what was said to them. */
export class Workload {
  /** Acknowledged lines, in the order of acknowledgement. */
  readonly acked: Acked[] = [];
  readonly history: Operation[] = [];
  readonly #text: Text;
  readonly #random: Random;
  readonly #connections = new Connections();
  readonly #abort = new AbortController();
  readonly #options: ConstructorParameters<typeof KvClient>[0];
  #nextLine = 0;
  #isStopping = false;
  #working: Promise<unknown> = Promise.resolve();

  constructor(text: Text, clusterId: string, addresses: readonly string[], random: Random) {
    this.#text = text;
    this.#random = random;
    this.#options = {
      clusterId,
      addresses,
      connections: this.#connections,
      giveUpMs: GIVE_UP_MS,
      signal: this.#abort.signal,
    };
  }

  /** Acknowledged operations of all clients. */
  get ackedCount(): number {
    return this.history.length;
  }

  /** How often the whole text has been loaded. */
  get passes(): number {
    return Math.floor(this.acked.length / this.#text.lineCount);
  }

  start(): void {
    const loaders = Array.from({ length: LOADERS }, (_, at) => this.#load(`loader ${at + 1}`));
    const rivals = Array.from({ length: RIVALS }, (_, at) => this.#compete(`rival ${at + 1}`));
    this.#working = Promise.all([...loaders, ...rivals]);
    // Told by `stop`; until then a client that fails is only silent.
    this.#working.catch(() => undefined);
  }

  /** Resolves when every client has finished what it had begun. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#working;
  }

  /** No client tries any longer. */
  close(): void {
    this.#isStopping = true;
    this.#abort.abort();
    this.#connections.close();
  }

  /** A client for questions about the cluster. */
  inspector(): KvClient {
    return new KvClient(this.#options);
  }

  async #load(name: string): Promise<void> {
    const client = new KvClient(this.#options);
    while (!this.#isStopping) {
      const line = this.#nextLine;
      this.#nextLine += 1;
      const key = this.#key(line);
      const value = Buffer.from(this.#text.line(line));
      await this.#write(client, name, key, value);
    }
  }

  /** Line numbers from 1; the text is loaded again, under keys of its own, until the last disaster is over. */
  #key(line: number): string {
    const pass = Math.floor(line / this.#text.lineCount) + 1;
    return `pass ${pass} line ${String((line % this.#text.lineCount) + 1).padStart(6, '0')}`;
  }

  async #compete(name: string): Promise<void> {
    const client = new KvClient(this.#options);
    for (let count = 1; !this.#isStopping; count += 1) {
      const key = `hot ${this.#random.below(HOT_KEYS) + 1}`;
      if (this.#random.chance(0.4)) {
        await this.#write(client, name, key, Buffer.from(`${name}, ${count}`));
      } else {
        const isLine = this.acked.length > 0 && this.#random.chance(0.3);
        await this.#read(client, name, isLine ? this.acked[this.#random.below(this.acked.length)]!.key : key);
      }
    }
  }

  async #write(client: KvClient, name: string, key: string, value: Buffer): Promise<void> {
    const invokedMs = performance.now();
    const done = { key, client: name, kind: 'write', value: value.toString('latin1'), invokedMs } as const;
    try {
      const revision = await client.write(key, value);
      this.history.push({ ...done, returnedMs: performance.now() });
      this.acked.push({ key, value, revision });
    } catch (error) {
      if (!(error instanceof GaveUpError)) throw error;
      this.history.push({ ...done, returnedMs: Infinity });
    }
  }

  async #read(client: KvClient, name: string, key: string): Promise<void> {
    const invokedMs = performance.now();
    try {
      const found = await client.read(key);
      const value = found === null ? null : Buffer.from(found.value).toString('latin1');
      this.history.push({ key, client: name, kind: 'read', value, invokedMs, returnedMs: performance.now() });
    } catch (error) {
      if (!(error instanceof GaveUpError)) throw error;
    }
  }
}
