// One save of very many empty entries, and what may be done with it, each in a process of its own whose heap is small.
// Plain JavaScript on the built package, so that it runs without a build step.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const [built, dir, order, count] = process.argv.slice(2);
const { openRaftLog } = await import(built);

const ORDERS = {
  async write() {
    const log = await openRaftLog({ dir });
    const data = new Uint8Array(0);
    const entries = Array.from({ length: Number(count) }, (_, at) => ({ index: at + 1, term: 1, data }));
    await log.save({ hardState: { term: 1 }, entries });
    await log.append([{ index: entries.length + 1, term: 1, data: Uint8Array.of(1, 2, 3) }]);
    await log.close();
    return readdirSync(join(dir, 'wal')).length;
  },
  async open() {
    const log = await openRaftLog({ dir });
    await log.close();
    return log.lastIndex;
  },
  async read() {
    const log = await openRaftLog({ dir, readOnly: true, verifyOnOpen: 'all' });
    let read = 0;
    for await (const { index } of log.stream(1, log.lastIndex + 1)) read = index;
    await log.close();
    return read;
  },
};

process.stdout.write(`${await ORDERS[order]()}\n`);
