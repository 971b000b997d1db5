/**
 * `npm run example:go-raft`: a Raft that others built, in another language, on logs of this one. Three servers of
 * hashicorp/raft and a log server for each are killed again and again, while clients count.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../sim/index.js';
import { ENDING_SIGNALS } from '../demo/single/ending-signals.js';
import { freePorts } from '../demo/cluster/free-ports.js';
import { buildNode, goVersion } from './run/build-node.js';
import { Cluster } from './run/cluster.js';
import { CountingClient } from './run/counting-client.js';
import { judge, settled } from './run/judge.js';

const USAGE = `npm run example:go-raft -- [--seconds S] [--clients N]

  --seconds S   for how long processes are killed (45)
  --clients N   how many count at one time (8)`;

/** So many steps must be acknowledged between two kills: a cluster that does nothing can lose nothing. */
const STEPS_BETWEEN = 40;
/** Against what hangs: for so long nothing may be acknowledged. Processes begin slowly on a machine that is busy. */
const DEADLINE_MS = 90_000;
/** More than these end because a log server was not there in time: something else is wrong. */
const ENDS_MAX = 100;

interface Options {
  readonly seconds: number;
  readonly clients: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  const go = await goVersion();
  if (go === null) {
    console.log('skipped: no go');
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), 'keelson-go-raft-'));
  console.log(`building with ${go}; the first time takes minutes`);
  const random = new Random(Math.floor(Math.random() * 2 ** 32));
  const cluster = new Cluster(folder, await buildNode(folder), await freePorts(9, random));
  for (const signal of ENDING_SIGNALS)
    process.once(signal, () => void cluster.stop().then(() => process.exit(130)));
  const faults = await faultsOf(cluster, options, random).catch((error: unknown) => [String(error)]);
  await cluster.stop();
  console.log(`killed: ${cluster.told()}; snapshots: ${cluster.snapshots()}`);
  if (faults.length === 0) {
    console.log('Every acknowledged step is on every member, once, and every log is sound.');
    await rm(folder, { recursive: true, force: true });
    return 0;
  }
  for (const fault of faults) console.error(fault);
  console.error(`Logs and what the processes said: ${folder}`);
  return 1;
}

/** What is wrong after some time under kills. */
async function faultsOf(cluster: Cluster, options: Options, random: Random): Promise<readonly string[]> {
  const clients = Array.from(
    { length: options.clients },
    (_, at) => new CountingClient(`c${at}`, cluster.urls),
  );
  await killUnderLoad(cluster, clients, random, options.seconds);
  cluster.revive();
  await Promise.all(clients.map((client) => client.stop()));
  const states = await settled(cluster.urls, clients, DEADLINE_MS);
  await cluster.stop();
  const counts = states.map(({ count }) => count).join(', ');
  console.log(`${acknowledged(clients)} steps acknowledged; the members count ${counts}`);
  return [...judge(states, clients), ...cluster.verify()];
}

async function killUnderLoad(
  cluster: Cluster,
  clients: readonly CountingClient[],
  random: Random,
  seconds: number,
): Promise<void> {
  const startMs = performance.now();
  const elapsedS = (): number => Math.round((performance.now() - startMs) / 1000);
  cluster.start();
  for (const client of clients) client.start();
  let toldS = 0;
  for (let goal = STEPS_BETWEEN; elapsedS() < seconds; goal = acknowledged(clients) + STEPS_BETWEEN) {
    const endMs = performance.now() + DEADLINE_MS;
    while (acknowledged(clients) < goal) {
      if (performance.now() > endMs || cluster.ends > ENDS_MAX)
        throw new Error(`after ${elapsedS()} s the cluster does not go on; killed: ${cluster.told()}`);
      await delay(20);
      if (elapsedS() < toldS + 5) continue;
      toldS = elapsedS();
      console.log(`${toldS} s: ${acknowledged(clients)} steps acknowledged; killed: ${cluster.told()}`);
    }
    cluster.kill(random);
  }
}

function acknowledged(clients: readonly CountingClient[]): number {
  return clients.reduce((sum, { acknowledged: one }) => sum + one, 0);
}

function readOptions(): Options | null {
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string' }, clients: { type: 'string' } } });
    const seconds = Number(values.seconds ?? 45);
    const clients = Number(values.clients ?? 8);
    if (seconds > 0 && Number.isSafeInteger(clients) && clients > 0) return { seconds, clients };
  } catch {
    // Told as any other.
  }
  console.error(USAGE);
  return null;
}
