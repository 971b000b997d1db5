// At stake: where no kernel lock is to be had, two writers could destroy a store, or a refused lock end the process. Tried
// on the built package, by whatever runtime runs this file: a log is locked against a second open, or refused by its code
// with nothing made, and either way a read-only one reads.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dist, golden] = process.argv.slice(2).map((path) => resolve(path));
const { openRaftLog } = await import(pathToFileURL(join(dist, 'src/index.js')).href);
const parent = mkdtempSync(join(tmpdir(), 'keelson-locks-'));
const dir = join(parent, 'log');

const codeOf = (error) => error.code;
const log = await openRaftLog({ dir }).catch(codeOf);
let answer = log;
if (typeof log === 'object') {
  answer = await openRaftLog({ dir }).catch(codeOf);
  await log.close();
} else if (readdirSync(parent).length > 0) {
  answer += ' with something made';
}
const reader = await openRaftLog({ dir: golden, readOnly: true });
const { lastIndex } = reader;
for await (const entry of reader.stream(reader.firstIndex, lastIndex + 1))
  if (entry.index > lastIndex) process.exit(1);
await reader.close();
rmSync(parent, { recursive: true });

console.log(answer);
process.exit(['KEELSON_LOCKED', 'KEELSON_LOCK_UNSUPPORTED'].includes(answer) ? 0 : 1);
