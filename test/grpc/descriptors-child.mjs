// Runs under a small `ulimit -n`: a server and its client, from whom every descriptor is taken and given back.
import { closeSync, openSync } from 'node:fs';

const [entry, root] = process.argv.slice(2);
const { connectRaftLog, serveRaftLogs } = await import(entry);
const server = await serveRaftLogs({ root, log: { segmentBytes: 4096 } });
const address = `127.0.0.1:${server.port}`;
const log = await connectRaftLog(address, { name: 'a' });
await log.setHardState({ term: 1 });
const isBack = new Promise((resolve) => {
  log.events.on('space-back', resolve);
});
const append = () => log.append([{ index: log.lastIndex + 1, term: 1, data: new Uint8Array(900) }]);

const taken = [];
try {
  for (;;) taken.push(openSync(process.execPath, 'r'));
} catch {
  // There is none left.
}
const refused = new Set();
for (let save = 0; save < 12; save += 1)
  await append().catch(({ code, details }) => refused.add(`${code} ${details.systemCode} ${details.fate}`));
// The connection that is there has a second call; what it opens has nothing to be opened with.
closeSync(taken.pop());
const other = await connectRaftLog(address, { name: 'b', patienceMs: 50 }).then(
  () => 'opened',
  ({ family }) => family,
);
for (const fd of taken) closeSync(fd);
await isBack;
while (log.lastIndex < 20) await append();
const again = await connectRaftLog(address, { name: 'b' });
await again.setHardState({ term: 7 });
const { status, lastIndex } = log;
await Promise.all([log.close(), again.close()]);
await server.close();
process.stdout.write(
  JSON.stringify({ refused: [...refused], other, status, lastIndex, term: again.hardState.term }),
);
process.exit(0);
