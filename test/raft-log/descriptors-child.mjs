// Runs under a small `ulimit -n`: takes every descriptor there is from a running log, and gives them back. Says what came of it.
import { closeSync, openSync } from 'node:fs';

const [entry, dir] = process.argv.slice(2);
const { openRaftLog } = await import(entry);
const log = await openRaftLog({ dir, segmentBytes: 4096 });
await log.setHardState({ term: 1 });
const isBack = new Promise((resolve) => {
  log.events.on('space-back', resolve);
});
const refused = new Set();
const note = ({ code, details }) => {
  refused.add(`${code} ${details?.systemCode}`);
};
const append = () => log.append([{ index: log.lastIndex + 1, term: 1, data: new Uint8Array(900) }]);

const taken = [];
try {
  for (;;) taken.push(openSync(process.execPath, 'r'));
} catch {
  // There is none left.
}
for (let save = 0; save < 12; save += 1) await append().catch(note);
await log
  .createSnapshot({ index: log.lastIndex, conf: new Uint8Array(1), data: new Uint8Array(9) })
  .catch(note);
for (const fd of taken) closeSync(fd);

// The log's own timers keep no process alive.
const alive = setInterval(() => undefined, 60_000);
await isBack;
clearInterval(alive);
while (log.lastIndex < 40) await append();
await log.createSnapshot({ index: 40, conf: new Uint8Array(1), data: new Uint8Array(9) });
const { status, lastIndex, snapshot } = log;
await log.close();
process.stdout.write(JSON.stringify({ refused: [...refused], status, lastIndex, snapshot: snapshot.index }));
