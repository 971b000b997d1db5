// Lives the life that its file of steps says, on a disk whose calls may fail, and tells line by line what it asked for
// and what it was answered. It ends at the first answer that leaves the fate of a step unknown.
import { readFileSync, writeSync } from 'node:fs';

const [entry, dir, stepsPath, ending] = process.argv.slice(2);
const { openRaftLog } = await import(entry);
const steps = JSON.parse(readFileSync(stepsPath, 'utf8'));
const tell = (line) => writeSync(1, `${line}\n`);

const dataOf = (index, term, size) =>
  Uint8Array.from({ length: size }, (_, at) => (index * 31 + term * 17 + at) & 255);
const withData = ({ index, term, size }) => ({ index, term, data: dataOf(index, term, size) });

let log = null;

async function open() {
  await log?.close();
  log = null;
  log = await openRaftLog({ dir, segmentBytes: 4096, snapshotsKept: 2 });
}

async function take(step) {
  switch (step.kind) {
    case 'open':
      return open();
    case 'save':
      return log.save({ ...step.request, ...(step.entries ? { entries: step.entries.map(withData) } : {}) });
    case 'snapshot': {
      const { index, size } = step;
      return log.createSnapshot({ index, conf: dataOf(index, 0, 5), data: dataOf(index, 1, size) });
    }
    case 'compact':
      return log.compact(step.upTo);
    case 'read':
      for await (const { index, term, data } of log.stream(log.firstIndex, log.lastIndex + 1))
        if (dataOf(index, term, data.length).some((byte, at) => byte !== data[at]))
          throw new Error(`entry ${index}`);
      return undefined;
  }
}

/** What is to be done about a failure: 'again' where nothing of the step exists, else 'over'. */
function answerTo(error) {
  if (error?.name !== 'KeelsonError') throw error;
  tell(`failed ${error.code} ${error.family} ${log?.status ?? 'none'}`);
  if (error.family !== 'environment') throw error;
  return log?.status === 'open' || log === null ? 'again' : 'over';
}

tell('begin');
for (const [at, step] of steps.entries()) {
  for (let tries = 1; ; tries += 1) {
    tell(`issued ${at}`);
    try {
      await take(step);
      tell(`acked ${at}`);
      break;
    } catch (error) {
      if (answerTo(error) === 'over' || tries === 5) {
        await log?.close();
        tell('over');
        process.exit(0);
      }
    }
  }
}
if (ending === 'closes') await log.close();
tell('over');
process.exit(0);
