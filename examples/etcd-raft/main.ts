/**
 * `npm run example:etcd-raft`: the Raft of etcd, compiled to WebAssembly, on logs of this kind. It is the demonstration of
 * `npm run demo`, its nodes, disasters and judges, with another engine under the nodes.
 */
import { join } from 'node:path';
import { runCluster } from '../demo/cluster/run-cluster.js';
import { goVersion } from '../go-raft/run/build-node.js';
import { buildEngine } from './run/build-engine.js';

process.exitCode = await main();

async function main(): Promise<number> {
  const go = await goVersion();
  if (go === null) {
    console.log('skipped: no go');
    return 0;
  }
  console.log(`building etcd-io/raft with ${go}; the first time takes minutes`);
  await buildEngine();
  return runCluster(process.argv.slice(2), join(import.meta.dirname, 'engine.js'));
}
