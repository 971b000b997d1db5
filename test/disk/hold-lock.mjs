// Takes the kernel lock on the file named by the first argument, as a process or as a worker thread, says so,
// and then does nothing until it is ended. Plain JavaScript, so that it runs without a build step.
import { createRequire } from 'node:module';
import { constants, openSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const path = isMainThread ? process.argv[2] : workerData;
const { tryLock } = createRequire(import.meta.url)('fs-native-extensions');
const held = tryLock(openSync(path, constants.O_RDWR), 0, 0);
const answer = held ? 'held' : 'refused';
if (isMainThread) process.stdout.write(`${answer}\n`);
else parentPort.postMessage(answer);
setInterval(() => {}, 1_000_000);
