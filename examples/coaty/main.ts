/**
 * `npm run example:coaty`: a Raft that others built for Node.js, on logs of this one. Three members of
 * @coaty/consensus.raft are killed again and again, while clients count.
 */
import { freePorts } from '../demo/cluster/free-ports.js';
import { runOrdeal } from '../go-raft/run/ordeal.js';
import { whatIsMissing } from './library.js';
import { Cluster } from './run/cluster.js';

process.exitCode = await runOrdeal({
  name: 'coaty',
  kills: 'members',
  missing: whatIsMissing,
  make: async (folder, random) => new Cluster(folder, await freePorts(4, random)),
});
