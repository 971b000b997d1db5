import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../../sim/index.js';
import { ENDING_SIGNALS } from '../../demo/single/ending-signals.js';
import { CountingClient } from './counting-client.js';
import { judge, settled } from './judge.js';

/** So many steps must be acknowledged between two kills: a cluster that does nothing can lose nothing. */
const STEPS_BETWEEN = 40;
/** Against what hangs: for so long nothing may be acknowledged. Processes begin slowly on a machine that is busy. */
const DEADLINE_MS = 90_000;
/** More than these end though nobody killed them: something else is wrong. */
const ENDS_MAX = 100;

/** For how long processes are killed, and how many clients count at one time. */
interface OrdealOptions {
  readonly seconds: number;
  readonly clients: number;
}

/** A cluster that can be killed, whose members take steps. */
export interface Killable {
  /** Where clients find the members. */
  readonly urls: readonly string[];
  /** How often something ended that nobody had killed. */
  readonly ends: number;
  /** Resolved: all of it begins. */
  start(): Promise<void> | void;
  kill(random: Random): void;
  revive(): void;
  stop(): Promise<void>;
  told(): string;
  snapshots(): string;
  verify(): readonly string[];
}

/** An example that is run: what it is called, and how its cluster is made. */
export interface Ordeal {
  /** As in `npm run example:<name>`. */
  readonly name: string;
  readonly kills: string;
  /** What this machine lacks for it; empty: nothing. */
  readonly missing: () => Promise<string> | string;
  readonly make: (folder: string, random: Random) => Promise<Killable>;
}

/** Runs it as a program; returns its exit code. */
export async function runOrdeal({ name, kills, missing, make }: Ordeal): Promise<number> {
  const options = ordealOptions();
  if (options === null) {
    console.error(`npm run example:${name} -- [--seconds S] [--clients N]

  --seconds S   for how long ${kills} are killed (45)
  --clients N   how many count at one time (8)`);
    return 2;
  }
  const lack = await missing();
  if (lack !== '') {
    console.log(`skipped: ${lack}`);
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), `keelson-${name}-`));
  const random = new Random(Math.floor(Math.random() * 2 ** 32));
  const cluster = await make(folder, random);
  for (const signal of ENDING_SIGNALS)
    process.once(signal, () => void cluster.stop().then(() => process.exit(130)));
  const faults = await faultsOf(cluster, options, random);
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

/** Of the command line; null where it is wrong. */
function ordealOptions(): OrdealOptions | null {
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string' }, clients: { type: 'string' } } });
    const seconds = Number(values.seconds ?? 45);
    const clients = Number(values.clients ?? 8);
    if (seconds > 0 && Number.isSafeInteger(clients) && clients > 0) return { seconds, clients };
  } catch {
    // Told as any other.
  }
  return null;
}

/** What is wrong after some time under kills. The cluster is stopped then. */
async function faultsOf(
  cluster: Killable,
  options: OrdealOptions,
  random: Random,
): Promise<readonly string[]> {
  try {
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
  } catch (error) {
    return [String(error)];
  } finally {
    await cluster.stop();
  }
}

async function killUnderLoad(
  cluster: Killable,
  clients: readonly CountingClient[],
  random: Random,
  seconds: number,
): Promise<void> {
  await cluster.start();
  const startMs = performance.now();
  const elapsedS = (): number => Math.round((performance.now() - startMs) / 1000);
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
