// Runs in a mount namespace of its own: a disk is mounted over the directory of a running log. Says what came of it.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const [entry, base, onto] = process.argv.slice(2);
const { openRaftLog } = await import(entry);
const dir = join(base, 'log');
const log = await openRaftLog({ dir, segmentBytes: 4096 });
await log.setHardState({ term: 1 });
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(dir, onto)]);
let code = null;
for (let save = 0; save < 12 && code === null; save += 1) {
  try {
    await log.append([{ index: log.lastIndex + 1, term: 1, data: new Uint8Array(900) }]);
  } catch (error) {
    code = error.code;
  }
}
const { status } = log;
await log.close();
process.stdout.write(JSON.stringify({ code, status, names: readdirSync(join(dir, onto)) }));
