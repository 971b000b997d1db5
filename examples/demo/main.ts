/**
 * `npm run demo`: what Keelson is for, on real files and real processes.
 *
 * Three nodes of a replicated store that are killed again and again; with `--single`, one log under one writer.
 */
import { runCluster } from './cluster/run-cluster.js';
import { runSingle } from './single/run-single.js';

const args = process.argv.slice(2);
process.exitCode = args.includes('--single')
  ? await runSingle(args.filter((argument) => argument !== '--single'))
  : await runCluster(args);
