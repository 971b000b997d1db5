import { nodeEnvironment } from '../disk/node-environment.js';
import { verifyStore, type VerifyReport } from '../raft-log/repair/verify-store.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import { SCHEMA_VERSION, type Output } from './output.js';
import { bytesText, damageText } from './text.js';

/** `keelson verify`: reads everything, changes nothing, says every damage. */
export async function verifyCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir } = options;
  const report = await verifyStore({
    environment: nodeEnvironment(),
    dir,
    walDir,

    onProgress: ({ readBytes, totalBytes }) => {
      const share = totalBytes === 0 ? 0 : Math.min(1, readBytes / totalBytes);
      const percent = Math.floor(share * 100);
      output.progress(`verify: ${percent} %, ${bytesText(readBytes)} of ${bytesText(totalBytes)}`, share);
    },
  });
  if (options.json) await output.json({ schemaVersion: SCHEMA_VERSION, command: 'verify', dir, ...report });
  else for (const line of textOf(dir, report)) await output.line(line);
  return report.verdict === 'sound' ? EXIT.sound : EXIT.damage;
}

function textOf(dir: string, report: VerifyReport): readonly string[] {
  const { damage, blemishes, segments, frames, entries, snapshots, readBytes } = report;
  const read = `read ${segments} segments with ${frames} frames and ${entries} entries, ${snapshots} snapshots, ${bytesText(readBytes)}`;
  const notes = blemishes.map(({ path, offset, reason }) => `note: ${path} at byte ${offset}: ${reason}`);
  if (damage.length === 0) return [`${dir} is sound`, read, ...notes];
  return [
    `${dir} is DAMAGED in ${damage.length} ${damage.length === 1 ? 'place' : 'places'}`,
    read,
    '',
    ...damage.flatMap(damageText),
    ...notes,
    '',
    ...adviceFor(dir),
  ];
}

/** What an operator should do about a damaged store. */
export function adviceFor(dir: string): readonly string[] {
  return [
    'Is data at risk? Nothing was changed, and a server does not open such a store. The other members of the',
    'cluster hold what was committed; do not remove any of them now.',
    'What to do:',
    `  1. copy ${dir} away before anything else, then look at the disk (kernel log, SMART)`,
    '  2. best: set the directory aside and let this server join again as a new member',
    `  3. or: keelson repair ${dir} --plan   says what can be kept, and what would be lost`,
  ];
}
