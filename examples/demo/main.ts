/**
 * `npm run demo`: what Keelson is for, on real files and real processes.
 *
 * `--single` is the demonstration of one log under one writer that is killed again and again; it is also what
 * runs when nothing else is asked for.
 */
import { runSingle } from './single/run-single.js';

const args = process.argv.slice(2).filter((argument) => argument !== '--single');
process.exitCode = await runSingle(args);
