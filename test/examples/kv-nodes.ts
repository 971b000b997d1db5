import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { Connections } from '../../examples/kv/client/connections.js';
import { KvClient } from '../../examples/kv/client/kv-client.js';
import type { MakeEngine } from '../../examples/kv/host/engine.js';
import { KvNode, type OpenLog } from '../../examples/kv/kv-node.js';
import { NODE_DEFAULTS, type NodeOptions } from '../../examples/kv/node-options.js';
import type { Admission, NodeWatcher } from '../../examples/kv/node-watcher.js';
import { Random } from '../../sim/index.js';
import { freePorts } from '../../examples/demo/cluster/free-ports.js';
import { scratchDirectory } from './scratch-directory.js';

export const CLUSTER_ID = 'test';

/** What a node told its watcher. */
export interface Told {
  readonly strangers: string[];
  readonly failures: { readonly exitCode: number; readonly message: string }[];
  readonly troubles: unknown[];
  readonly admissions: Admission[];
  installs: number;
}

/** Three nodes in this process, on real files, ports and timers; all stopped when the test has finished. */
export class Nodes {
  /** Of all that were ever started here. */
  addresses: Readonly<Record<string, string>>;
  readonly told: Map<string, Told> = new Map();
  readonly #folder = scratchDirectory();
  readonly #tuning: Partial<NodeOptions>;
  readonly #engine: MakeEngine | undefined;
  readonly #nodes = new Map<string, KvNode>();
  readonly #connections = new Connections();

  private constructor(ports: readonly number[], tuning: Partial<NodeOptions>, engine?: MakeEngine) {
    this.addresses = Object.fromEntries(ports.map((port, at) => [`n${at + 1}`, `127.0.0.1:${port}`]));
    this.#tuning = tuning;
    this.#engine = engine;
    onTestFinished(async () => {
      this.#connections.close();
      for (const node of this.#nodes.values()) await node.stop();
    });
  }

  static async make(tuning: Partial<NodeOptions> = {}, engine?: MakeEngine): Promise<Nodes> {
    return new Nodes(await freePorts(3, new Random(Math.floor(Math.random() * 2 ** 32))), tuning, engine);
  }

  get names(): readonly string[] {
    return Object.keys(this.addresses);
  }

  folder(name: string): string {
    return join(this.#folder, name);
  }

  options(name: string, isNew: boolean): NodeOptions {
    const founding = { clusterId: CLUSTER_ID, memberId: name, addresses: this.addresses };
    return {
      ...NODE_DEFAULTS,
      tickMs: 20,
      ...this.#tuning,
      folder: this.folder(name),
      founding: isNew ? founding : null,
    };
  }

  /** A node that joins those of this cluster, and its address; resolves when it has its vote. */
  async join(name: string, backup: string | null): Promise<string> {
    const [port = 0] = await freePorts(1, new Random(Math.floor(Math.random() * 2 ** 32)));
    const address = `127.0.0.1:${port}`;
    const addresses = { ...this.addresses, [name]: address };
    this.addresses = addresses;
    const founding = { clusterId: CLUSTER_ID, memberId: name, addresses, join: { backup } };
    await this.#run(name, { ...this.options(name, false), founding });
    return address;
  }

  /** Starts a node; rejects as it does. */
  start(name: string, isNew: boolean, openLog?: OpenLog): Promise<void> {
    return this.#run(name, this.options(name, isNew), openLog);
  }

  /** Starts a copy of a node's folder, while that runs or not. */
  startCopy(name: string, folder: string): Promise<void> {
    return this.#run(`${name}'`, { ...this.options(name, false), folder });
  }

  async #run(name: string, options: NodeOptions, openLog?: OpenLog): Promise<void> {
    const told: Told = { strangers: [], failures: [], troubles: [], admissions: [], installs: 0 };
    this.told.set(name, told);
    const node = new KvNode(options, watcher(told), openLog, this.#engine);
    this.#nodes.set(name, node);
    await node.start();
  }

  async found(): Promise<void> {
    await Promise.all(this.names.map((name) => this.start(name, true)));
  }

  async stop(name: string): Promise<void> {
    await this.#nodes.get(name)?.stop();
    this.#nodes.delete(name);
  }

  client(names: readonly string[] = this.names, clusterId: string = CLUSTER_ID): KvClient {
    const addresses = names.map((name) => this.addresses[name] ?? '');
    return new KvClient({ clusterId, addresses, connections: this.#connections, giveUpMs: 300_000 });
  }

  get connections(): Connections {
    return this.#connections;
  }

  async leader(): Promise<string> {
    let leader: string | null = null;
    await until('a leader', async () => {
      for (const name of this.#nodes.keys()) {
        const status = await this.client()
          .status(this.addresses[name] ?? '')
          .catch(() => null);
        if (status?.role === 'leader') leader = name;
      }
      return leader !== null;
    });
    return leader ?? '';
  }
}

/** Looks again and again; the test's own time limit is the only one. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + 300_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await delay(5);
  }
}

/** Keeps a port taken until the test has finished. */
export async function takePort(address: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(Number(address.split(':')[1]), '127.0.0.1', resolve));
  onTestFinished(async () => {
    await new Promise((resolve) => server.close(resolve));
  });
}

function watcher(told: Told): NodeWatcher {
  const fail = (error: { readonly exitCode: number; readonly message: string }): void => {
    told.failures.push(error);
  };
  return {
    waiting: () => undefined,
    admitted: (admission) => {
      told.admissions.push(admission);
    },
    opened: (log) => {
      log.events.on('snapshot', ({ installed }) => {
        if (installed) told.installs += 1;
      });
    },
    turned: () => undefined,
    sending: () => undefined,
    strange: (error) => {
      told.strangers.push(error.message);
    },
    refused: fail,
    troubled: (error) => {
      told.troubles.push(error);
    },
    failed: fail,
  };
}
