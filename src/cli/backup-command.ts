import { Writable } from 'node:stream';
import { changeFailed } from '../disk/disk-failure.js';
import { systemCode } from '../disk/index.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import { checkpointStore } from '../raft-log/copies/checkpoint-store.js';
import { verifyCopy } from '../raft-log/copies/verify-copy.js';
import { withFolderBeside } from './backup/folder-beside.js';
import { writeNewFile, type Put } from './backup/new-file.js';
import { filesOf, writeBackup } from './backup/write-backup.js';
import { EXIT, UsageError, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import { SCHEMA_VERSION, type Output } from './output.js';
import { bytesText, commandText, wrapped } from './text.js';

/** `keelson backup`: one stream of what a store holds, or of what came behind an LSN. */
export async function backupCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir, to, since, json } = options;
  const environment = nodeEnvironment();
  return withFolderBeside(dir, 'backup', async (copy) => {
    await checkpointStore({ environment, dir, walDir, scope: 'durable', to: copy });
    // What is written must be what can be restored.
    const { checkpoint, hardState, lastIndex, snapshot } = await verifyCopy(environment, copy);
    if (checkpoint === null) throw new RangeError('a checkpoint has lost its own file');
    const { lsn } = checkpoint.proven;
    if (since !== null && since > lsn)
      throw new UsageError(
        `--since is ${since}, but ${dir} is at LSN ${lsn}: give the LSN at which its last backup was taken.`,
        'backup',
      );
    const files = await filesOf(copy, checkpoint, since);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    let written = 0;
    const write = (out: Writable): Promise<void> =>
      writeBackup(copy, checkpoint, since, files, out, (count) => {
        written += count;
        output.progress('backup', bytes === 0 ? 1 : written / bytes, `of ${bytesText(bytes)}`);
      });
    await (to === '-'
      ? writeToStdout(output.host.stdout, write)
      : writeNewFile(environment.disk, to, (put) => write(streamInto(put))));
    const answer = { to, since, lastLsn: lsn, lastIndex, hardState, snapshot, files: files.length, bytes };
    await tell(options, answer, json, output);
    return EXIT.sound;
  });
}

/** A stream whose bytes go there, one piece behind the other. */
function streamInto(put: Put): Writable {
  return new Writable({
    write(bytes: Uint8Array, _encoding, done) {
      put(bytes).then(() => done(), done);
    },
  });
}

async function writeToStdout(stdout: Writable, write: (out: Writable) => Promise<void>): Promise<void> {
  try {
    await write(stdout);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    const next = {
      fate: 'What was written is no whole backup.',
      then: 'look at who reads it, and try again',
    };
    throw changeFailed('the backup', { path: 'stdout' }, error, next);
  }
}

interface Answer {
  readonly to: string;
  readonly lastLsn: number;
  readonly lastIndex: number;
  readonly bytes: number;
}

/** Where the stream goes to stdout, what is to say goes beside it. */
async function tell(
  { dir, walDir, to }: CliOptions,
  answer: Answer,
  json: boolean,
  output: Output,
): Promise<void> {
  const { lastLsn, lastIndex, bytes } = answer;
  if (json) {
    const whole = { schemaVersion: SCHEMA_VERSION, command: 'backup', dir, ...answer };
    if (to === '-') output.say(JSON.stringify(whole));
    else await output.json(whole);
    return;
  }
  const next = commandText('backup', dir, walDir, `--since ${lastLsn} --to FILE`);
  const lines = [
    `${dir} is backed up to ${to === '-' ? 'stdout' : to}: ${bytesText(bytes)}, up to index ${lastIndex}, LSN ${lastLsn}`,
    'What comes later:',
    `  ${next}`,
  ];
  if (to === '-') for (const line of lines) output.say(line);
  else await output.lines(lines.flatMap((line) => (line.includes(next) ? [line] : wrapped(line))));
}
