/**
 * `npm run lab:powercut`: power cuts on the file systems of this kernel, on a disk that remembers each write and each
 * flush. This is the outer process: it gives the lab namespaces of its own, so that whatever happens no mount, no
 * device and no process outlives it, and a bound on its time.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions, USAGE, UsageError, type PowercutOptions } from './options.js';
import { whatRivalLacks } from './rivals/stores.js';
import { whatIsMissing } from './what-is-missing.js';

/** On top of the minutes that were asked for: a cut under way, and what is in its way on a busy machine. */
const GRACE_MS = 180_000;
/** How long the lab has to end once it is told to. */
const ENDING_MS = 20_000;
/** Images of disks are in memory. */
const MEMORY = '/dev/shm';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: PowercutOptions | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const missing =
    whatIsMissing(options.fileSystem) ?? (options.rival === null ? null : whatRivalLacks(options.rival));
  if (missing !== null) {
    console.log(`skipped: ${missing}`);
    return 0;
  }
  const place = mkdtempSync(join(MEMORY, 'keelson-powercut-'));
  try {
    return await runInside(place, options, args);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function runInside(place: string, options: PowercutOptions, args: readonly string[]): Promise<number> {
  const program = join(import.meta.dirname, 'run', 'main.js');
  // With the lab, which is the first process in there, all others end, and with them their mounts and devices.
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  // It draws its seed once.
  const seeded = [...args, '--seed', String(options.seed)];
  const inside = spawn('unshare', [...namespaces, process.execPath, program, place, ...seeded], {
    // It ends when its input does: on a signal, or because this process is no more.
    stdio: ['pipe', 'inherit', 'inherit'],
    // What a terminal sends goes to this process alone: inside, it would end a command half way.
    detached: true,
  });
  const end = (): void => {
    inside.stdin.end();
    setTimeout(() => inside.kill('SIGKILL'), ENDING_MS).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const runs = Math.max(options.wrong.length, 1);
  const bound = setTimeout(
    () => {
      console.error(`the lab did not end within its time; it is ended`);
      inside.kill('SIGKILL');
    },
    runs * options.minutes * 60_000 + GRACE_MS,
  );
  return new Promise((resolve, reject) => {
    inside.once('error', reject);
    inside.once('close', (code) => {
      clearTimeout(bound);
      resolve(code ?? 1);
    });
  });
}
