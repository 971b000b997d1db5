/**
 * `npm run example:go-raft`: a Raft that others built, in another language, on logs of this one. Three servers of
 * hashicorp/raft and a log server for each are killed again and again, while clients count.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../sim/index.js';
import { ENDING_SIGNALS } from '../demo/single/ending-signals.js';
import { freePorts } from '../demo/cluster/free-ports.js';
import { buildNode, goVersion } from './run/build-node.js';
import { Cluster } from './run/cluster.js';
import { faultsOf, ordealOptions } from './run/ordeal.js';

const USAGE = `npm run example:go-raft -- [--seconds S] [--clients N]

  --seconds S   for how long processes are killed (45)
  --clients N   how many count at one time (8)`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = ordealOptions();
  if (options === null) {
    console.error(USAGE);
    return 2;
  }
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
