/** A process of its own: opens the log of a directory and prints how long that took and what memory it takes. Needs --expose-gc. */
import { openRaftLog } from '../src/index.js';

export interface Measured {
  /** JavaScript heap in use, and memory of buffers outside of it. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly openMs: number;
}

const [dir = ''] = process.argv.slice(2);
const startMs = performance.now();
const log = await openRaftLog({ dir, create: 'never' });
const openMs = performance.now() - startMs;
if (global.gc === undefined) throw new Error('run with --expose-gc');
for (let times = 0; times < 3; times++) global.gc();
const { heapUsed, external, rss } = process.memoryUsage();
const measured: Measured = { heapBytes: heapUsed + external, rssBytes: rss, openMs };
console.log(JSON.stringify(measured));
await log.close();
