/**
 * `npm run example:coaty`: a Raft that others built for Node.js, on logs of this one. Three members of
 * @coaty/consensus.raft are killed again and again, while clients count.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../sim/index.js';
import { freePorts } from '../demo/cluster/free-ports.js';
import { ENDING_SIGNALS } from '../demo/single/ending-signals.js';
import { faultsOf, ordealOptions } from '../go-raft/run/ordeal.js';
import { whatIsMissing } from './library.js';
import { Cluster } from './run/cluster.js';

const USAGE = `npm run example:coaty -- [--seconds S] [--clients N]

  --seconds S   for how long members are killed (45)
  --clients N   how many count at one time (8)`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = ordealOptions();
  if (options === null) {
    console.error(USAGE);
    return 2;
  }
  const missing = whatIsMissing();
  if (missing !== '') {
    console.log(`skipped: ${missing}`);
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), 'keelson-coaty-'));
  const random = new Random(Math.floor(Math.random() * 2 ** 32));
  const cluster = new Cluster(folder, await freePorts(4, random));
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
