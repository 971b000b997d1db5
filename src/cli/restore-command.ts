import { nodeEnvironment } from '../disk/node-environment.js';
import { KeelsonError } from '../errors/index.js';
import { cloneRaftLog } from '../raft-log/copies/clone-raft-log.js';
import { verifyCopy } from '../raft-log/copies/verify-copy.js';
import { withFolderBeside } from './backup/folder-beside.js';
import { readBackup } from './backup/read-backup.js';
import type { BackupTitle } from './backup/tar.js';
import { cloneText, plainOf } from './copy-commands.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import { SCHEMA_VERSION, type Output } from './output.js';
import { bytesText } from './text.js';

/** `keelson restore`: a store of its own, of a backup and of those that were taken since. */
export async function restoreCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir: first, more, to, identity, wholeCluster, json } = options;
  const environment = nodeEnvironment();
  return withFolderBeside(to, 'restore', async (unpacked) => {
    let before: Part | null = null;
    let read = 0;
    for (const file of [first, ...more]) {
      const title = await readBackup(file, unpacked, (bytes) => {
        read += bytes;
        output.progress('restore', 0, `read ${bytesText(read)}`);
      });
      checkJoins(before, { file, title });
      before = { file, title };
    }
    await verifyCopy(environment, unpacked);
    const whole = wholeCluster ? { wholeCluster } : {};
    const report = await cloneRaftLog(unpacked, { to, identity, ...whole, environment });
    const answer = { backups: [first, ...more], to, ...plainOf(report) };
    if (json) await output.json({ schemaVersion: SCHEMA_VERSION, command: 'restore', ...answer });
    else await output.lines([{ text: `${to} is restored`, style: 'green' }, ...cloneText(report)]);
    return EXIT.sound;
  });
}

interface Part {
  readonly file: string;
  readonly title: BackupTitle;
}

/** A backup of what came behind an LSN joins one of the same store that reached it. */
function checkJoins(before: Part | null, { file, title }: Part): void {
  const { since, lastLsn, lineage } = title;
  if (before === null) {
    if (since === null) return;
    throw gap(
      file,
      `${file} holds only what came behind LSN ${since}, and no backup is given before it`,
      since,
      0,
    );
  }
  const last = before.title;
  if (last.lineage !== lineage)
    throw gap(
      file,
      `${file} is of lineage ${lineage}, and ${before.file} of ${last.lineage}`,
      lineage,
      last.lineage,
    );
  if (since !== null && since > last.lastLsn)
    throw gap(
      file,
      `${file} begins behind LSN ${since}, and ${before.file}, the one before it, ends at ${last.lastLsn}`,
      since,
      last.lastLsn,
    );
  if (lastLsn < last.lastLsn)
    throw gap(
      file,
      `${file} ends at LSN ${lastLsn}, and ${before.file}, the one before it, at ${last.lastLsn}`,
      lastLsn,
      last.lastLsn,
    );
}

function gap(path: string, why: string, found: unknown, expected: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_LOG_GAP',
    `the backups do not join: ${why}. Nothing was restored. Give all of them, the whole one first, in the order in which they were taken.`,
    { path, found, expected },
  );
}
