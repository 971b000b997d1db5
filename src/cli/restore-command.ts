import { nodeEnvironment } from '../disk/node-environment.js';
import { KeelsonError } from '../errors/index.js';
import { cloneRaftLog } from '../raft-log/copies/clone-raft-log.js';
import { verifyCopy } from '../raft-log/copies/verify-copy.js';
import { withFolderBeside } from './backup/folder-beside.js';
import { readBackup } from './backup/read-backup.js';
import type { BackupTitle } from './backup/tar.js';
import { cloneOptionsOf, cloneText, plainOf } from './copy-commands.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import { bytesText } from './text.js';

/** `keelson restore`: a store of its own, of a backup and of those that were taken since. */
export async function restoreCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir: first, more, to, json } = options;
  const environment = nodeEnvironment();
  return withFolderBeside(to, 'restore', async (unpacked) => {
    let before: Part | null = null;
    let read = 0;
    for (const file of [first, ...more]) {
      const last: Part | null = before;
      const title = await readBackup(
        file,
        output.host.stdin,
        unpacked,
        (begun) => checkJoins(last, { file, title: begun }),
        (bytes) => {
          read += bytes;
          output.progress('restore', 0, `read ${bytesText(read)}`);
        },
      );
      before = { file, title };
    }
    await verifyCopy(environment, unpacked);
    const report = await cloneRaftLog(unpacked, { ...cloneOptionsOf(options), environment });
    const answer = { backups: [first, ...more], to, ...plainOf(report) };
    await output.answer(json, { command: 'restore', ...answer }, () => [
      { text: `${to} is restored`, style: 'green' },
      ...cloneText(report),
    ]);
    return EXIT.sound;
  });
}

interface Part {
  readonly file: string;
  readonly title: BackupTitle;
}

/** A backup of what came behind an LSN joins the one of the same store that ended right there. */
function checkJoins(before: Part | null, { file, title }: Part): void {
  const { since, lineage } = title;
  if (before === null) {
    if (since === null) return;
    const alone = `${file} holds only what came behind LSN ${since}, and no backup is given before it`;
    throw gap(file, alone, since, 0);
  }
  const { lastLsn, lineage: other } = before.title;
  const ofOther = `${file} is of lineage ${lineage}, and ${before.file} of ${other}`;
  if (other !== lineage) throw gap(file, ofOther, lineage, other);
  if (since === lastLsn) return;
  const ends = `${before.file}, the one before it, ends at ${lastLsn}`;
  if (since === null) throw gap(file, `${file} is a whole one, and ${ends}`, 0, lastLsn);
  const overlap = since < lastLsn ? ': what lies between is in both' : '';
  throw gap(file, `${file} begins behind LSN ${since}, and ${ends}${overlap}`, since, lastLsn);
}

function gap(path: string, why: string, found: unknown, expected: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_LOG_GAP',
    `the backups do not join: ${why}. Nothing was restored. Give all of them, the whole one first, in the order in which they were taken.`,
    { path, found, expected },
  );
}
