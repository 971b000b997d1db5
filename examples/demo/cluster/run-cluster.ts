import { setTimeout as delay } from 'node:timers/promises';
import { Random, subSeed } from '../../../sim/index.js';
import { ENDING_SIGNALS } from '../single/ending-signals.js';
import { UsageError } from '../single/options.js';
import { TemporaryFolder } from '../single/temporary-folder.js';
import { readText, type Text } from '../single/text.js';
import { Cluster, CLUSTER_ID } from './cluster.js';
import { ClusterProgress } from './cluster-progress.js';
import { clusterSummary } from './cluster-summary.js';
import { Disasters, planDisasters } from './disasters.js';
import { freePorts } from './free-ports.js';
import { CLUSTER_USAGE, type ClusterOptions, readClusterOptions } from './options.js';
import { isLed, lostEverywhere, untilEqual, verifyAll } from './verify.js';
import { GivenUp, Violation } from './violation.js';
import { WatchedWait } from './watched-wait.js';
import { Witness } from './witness.js';
import { Workload } from './workload.js';

const EXIT = { held: 0, violated: 1, usage: 2, givenUp: 3, interrupted: 130 } as const;
/** After a violation: this long, as often, the nodes get to find a leader before what they hold is read. */
const REST_MS = 500;
const LOOKS_FOR_LEADER = 8;

const LIMIT = `This shows the death of processes: SIGKILL at any moment, after which the kernel still holds what was
written. Power cuts, where unsynced sectors are lost or torn, are the simulator's to show (keelson/sim).`;

/** Runs the demonstration of three nodes; resolves to the exit code. `engine`: the module of another Raft than the reference's. */
export async function runCluster(args: readonly string[], engine: string | null = null): Promise<number> {
  let options: ClusterOptions | 'help';
  let text: Text;
  let folder: TemporaryFolder;
  try {
    options = readClusterOptions(args);
    if (options === 'help') {
      console.log(CLUSTER_USAGE);
      return EXIT.held;
    }
    text = readText(options.input);
    folder = new TemporaryFolder();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${CLUSTER_USAGE}`);
    return EXIT.usage;
  }
  try {
    return await runIn(folder, options, text, engine);
  } finally {
    if (options.keep) console.log(`\nThe nodes' folders are left in ${folder.path}`);
    else folder.remove();
  }
}

async function runIn(
  folder: TemporaryFolder,
  options: ClusterOptions,
  text: Text,
  engine: string | null,
): Promise<number> {
  const ports = await freePorts(3, new Random(Math.floor(Math.random() * 2 ** 32)));
  const run = new ClusterRun(options, text, folder, ports, engine);
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
    run.interrupt();
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, interrupt);
  try {
    const exitCode = await run.toTheEnd();
    return isInterrupted ? EXIT.interrupted : exitCode;
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, interrupt);
  }
}

class ClusterRun {
  readonly #options: ClusterOptions;
  readonly #text: Text;
  readonly #folder: TemporaryFolder;
  readonly #witness = new Witness();
  readonly #wait: WatchedWait;
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #progress: ClusterProgress;

  constructor(
    options: ClusterOptions,
    text: Text,
    folder: TemporaryFolder,
    ports: readonly number[],
    engine: string | null,
  ) {
    const { seed, sabotage, deadlineS, killCount } = options;
    this.#options = options;
    this.#text = text;
    this.#folder = folder;
    this.#wait = new WatchedWait(deadlineS, () => this.#witness.violation);
    this.#cluster = new Cluster(folder.path, ports, sabotage, this.#witness, this.#wait, engine);
    this.#workload = new Workload(text, CLUSTER_ID, this.#cluster.addresses, new Random(subSeed(seed, 1)));
    this.#progress = new ClusterProgress(killCount, this.#cluster, this.#witness, this.#workload);
  }

  interrupt(): void {
    this.#wait.breakOff();
  }

  async toTheEnd(): Promise<number> {
    const { input, killCount, seed, sabotage } = this.#options;
    console.log(
      `Three nodes, ${this.#text.lineCount} lines of ${input}, at least ${killCount} kills, seed ${seed}`,
    );
    if (sabotage !== 'none') console.log(`Sabotage: the nodes lie (${sabotage}).`);
    try {
      console.log(`\n${await this.#run()}\n`);
      console.log('Every acknowledged write is on every node, in its place; the three states are the same;');
      console.log('the history of reads and writes is linearizable.');
      console.log(LIMIT);
      return EXIT.held;
    } catch (error) {
      this.#progress.end();
      if (error instanceof Violation) return await this.#tellViolation(error);
      if (!(error instanceof GivenUp)) throw error;
      console.error(`\nNot brought to an end: ${error.message}. Nothing was seen to be lost.`);
      for (const trouble of this.#witness.troubles.slice(-5)) console.error(`  ${trouble}`);
      return EXIT.givenUp;
    } finally {
      this.#workload.close();
      await this.#cluster.close();
    }
  }

  /** The run itself; resolves to the summary, throws a {@link Violation} or {@link GivenUp}. */
  async #run(): Promise<string> {
    const { killCount, sabotage, seed } = this.#options;
    const cluster = this.#cluster;
    const workload = this.#workload;
    const random = new Random(subSeed(seed, 2));
    for (const name of cluster.names) cluster.start(name);
    await cluster.untilAllTakePart();
    const startMs = performance.now();
    workload.start();
    const disasters = new Disasters(cluster, this.#witness, workload, this.#wait, random);
    for (const disaster of planDisasters(killCount, sabotage, random)) await disasters.happen(disaster);
    await this.#wait.until('the text to be loaded', () => workload.passes >= 1);
    await this.#stopClients();
    const loadMs = performance.now() - startMs;
    const statuses = await untilEqual(workload.inspector(), cluster, this.#wait);
    this.#witness.stopWatch();
    this.#progress.end();
    await verifyAll(workload, statuses, cluster);
    await cluster.stopAll();
    const bytesOnDisk = this.#folder.bytesOnDisk();
    const stateHash = statuses[0]?.stateHash ?? '';
    return clusterSummary({ cluster, witness: this.#witness, workload, loadMs, bytesOnDisk, stateHash });
  }

  async #stopClients(): Promise<void> {
    let isStopped = false;
    const stopped = this.#workload.stop().then(() => {
      isStopped = true;
    });
    await Promise.race([stopped, this.#wait.until('the clients to be answered', () => isStopped)]);
  }

  async #tellViolation({ message, problems }: Violation): Promise<number> {
    const { seed, sabotage } = this.#options;
    console.error(`\n${message}`);
    for (const problem of problems) console.error(`  ${problem}`);
    const led = await this.#untilLed();
    const lost = await lostEverywhere(this.#workload, this.#cluster).catch(() => []);
    if (lost.length > 0)
      console.error(
        led
          ? '\nAcknowledged writes that are lost:'
          : '\nAcknowledged writes that no node shows; none leads, so they may not all be lost:',
      );
    for (const problem of lost) console.error(`  ${problem}`);
    console.error(
      `\nAfter ${this.#cluster.kills} kills, seed ${seed}. Add --keep to look at the nodes' folders.`,
    );
    if (sabotage !== 'none') console.error('The nodes were told to lie (--sabotage), and it was noticed.');
    return EXIT.violated;
  }

  /** Nodes that were all killed show what they applied again only once one of them leads. False if none does in a while. */
  async #untilLed(): Promise<boolean> {
    for (let looks = 0; looks < LOOKS_FOR_LEADER; looks += 1) {
      await delay(REST_MS);
      if (await isLed(this.#workload.inspector(), this.#cluster).catch(() => false)) return true;
    }
    return false;
  }
}
