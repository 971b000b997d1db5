import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogPlace } from '../log-options.js';
import type { Random } from '../random.js';
import type { Recording } from '../run/recording.js';
import { drawKill, killBeforeSync } from './kill-plan.js';
import type { WriterOrders } from './orders.js';

/** What the writers of one generation may do. */
export interface LifeOptions {
  readonly errors: WriterOrders['errors'];
  readonly full: boolean;
  /** Writers are killed between a write and its sync, and nowhere else. */
  readonly diesBeforeSyncs: boolean;
  readonly wrong: string | null;
}

/** How long a writer may take for its few hundred calls: none that gets on needs it, on the busiest machine. */
const WRITER_MS_MAX = 180_000;

/** Some writers, one after the other, on one log. */
export async function runLife(
  log: LogPlace,
  recording: Recording,
  random: Random,
  options: LifeOptions,
): Promise<{ readonly killed: number; readonly hasHung: boolean }> {
  const { diesBeforeSyncs, ...orders } = options;
  const pastPath = `${recording.base}.past`;
  writeFileSync(pastPath, JSON.stringify(recording.past));
  let killed = 0;
  for (let left = random.between(2, 5); left > 0; left -= 1) {
    const ended = await runWriter({
      log,
      past: pastPath,
      notes: recording.notesPath,
      count: recording.disk.count,
      faults: recording.disk.faults,
      seed: random.seed(),
      calls: random.between(40, 400),
      kill: diesBeforeSyncs ? killBeforeSync(random) : drawKill(random),
      ...orders,
    });
    if (ended === 'killed') killed += 1;
    // What it saw stands in the notes.
    if (ended === 'failed') break;
    if (ended === 'hung') return { killed, hasHung: true };
  }
  return { killed, hasHung: false };
}

async function runWriter(orders: WriterOrders): Promise<'done' | 'killed' | 'failed' | 'hung'> {
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'main.js'), JSON.stringify(orders)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      writer.kill('SIGKILL');
      resolve('hung');
    }, WRITER_MS_MAX);
    writer.once('error', reject);
    writer.once('exit', (code) => {
      clearTimeout(timer);
      if (code === null) resolve('killed');
      else resolve(code === 0 ? 'done' : 'failed');
    });
  });
}
