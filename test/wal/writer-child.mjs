// One writer of a real store, as a process or as a worker thread: does what each message says and answers in one line.
// Plain JavaScript on the built package, so that it runs without a build step.
import { Buffer } from 'node:buffer';
import { readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const [built, dir] = isMainThread ? process.argv.slice(2) : workerData;
const { openRaftLog } = await import(built);
let log;
let index = 0;

const ORDERS = {
  async open() {
    log = await openRaftLog({ dir, segmentBytes: 8192 });
    index = log.lastIndex;
    return `open ${index} epoch ${log.recovery.epoch}`;
  },
  async save() {
    index += 1;
    await log.save({
      hardState: { term: 1 },
      entries: [{ index, term: 1, data: Buffer.from(`entry ${index} of ${process.pid}`) }],
    });
    return `saved ${index}`;
  },
  /** The kernel takes the lock away, as a file system over a network may (A9). Linux names the open files of a process. */
  loseLock() {
    const { unlock } = createRequire(import.meta.url)('fs-native-extensions');
    const name = readdirSync('/proc/self/fd').find((fd) => linkOf(fd).endsWith('/superblock'));
    unlock(Number(name), 0, 0);
    return 'lost';
  },
  async close() {
    await log.close();
    return 'closed';
  },
};

function linkOf(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

async function follow(order, answer) {
  try {
    answer(await ORDERS[order]());
  } catch (error) {
    answer(`${error.code ?? error}`);
  }
}

if (isMainThread) {
  const lines = createInterface({ input: process.stdin });
  for await (const order of lines) await follow(order, (text) => process.stdout.write(`${text}\n`));
} else {
  parentPort.on('message', (order) => follow(order, (text) => parentPort.postMessage(text)));
}
