import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HuntNews, HuntRange } from './hunt-worker.js';

/** How a hunt ended. */
export type HuntEnd =
  | Exclude<HuntNews, { kind: 'tried' }>
  | { readonly kind: 'hung'; readonly seeds: number };

/** Milliseconds without news after which a run is taken to hang: ten seeds take a second, or ten where all is busy. */
const SILENCE_MS = 300_000;

/** Searches the seeds of `range` with the code in `tree`, in a thread of its own, until something is found. */
export function hunt(tree: string, range: HuntRange): Promise<HuntEnd> {
  return new Promise((resolve) => {
    const worker = new Worker(join(tree, 'sim/mutants/hunt-worker.js'), { workerData: range });
    let seeds = 0;
    let isOver = false;
    const end = (how: HuntEnd): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(silence);
      void worker.terminate();
      resolve(how);
    };
    const silence = setTimeout(() => {
      end({ kind: 'hung', seeds });
    }, SILENCE_MS);
    worker.on('message', (news: HuntNews) => {
      ({ seeds } = news);
      silence.refresh();
      if (news.kind !== 'tried') end(news);
    });
    worker.on('error', (error) => {
      end({ kind: 'fault', seeds, what: error.stack ?? error.message });
    });
    worker.on('exit', (code) => {
      end({ kind: 'fault', seeds, what: `the thread ended with ${code}` });
    });
  });
}
