/**
 * `npm run example:go-raft`: a Raft that others built, in another language, on logs of this one. Three servers of
 * hashicorp/raft and a log server for each are killed again and again, while clients count.
 */
import { freePorts } from '../demo/cluster/free-ports.js';
import { buildNode, goVersion } from './run/build-node.js';
import { Cluster } from './run/cluster.js';
import { runOrdeal } from './run/ordeal.js';

process.exitCode = await runOrdeal({
  name: 'go-raft',
  kills: 'processes',
  missing: async () => ((await goVersion()) === null ? 'no go' : ''),
  make: async (folder, random) => {
    console.log('building with Go; the first time takes minutes');
    return new Cluster(folder, await buildNode(folder), await freePorts(9, random));
  },
});
