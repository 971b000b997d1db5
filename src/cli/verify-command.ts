import { nodeEnvironment } from '../disk/node-environment.js';
import type { VerifyReport } from '../raft-log/verify-report.js';
import { verifyWhatStands } from '../raft-log/verify-store.js';
import { adviceFor, isOpened } from './advice.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import { bytesText, counted, damageText, noteText, wrapped, type Line } from './text.js';

/** `keelson verify`: reads everything, changes nothing, says every damage. */
export async function verifyCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir } = options;
  const { kind, report } = await verifyWhatStands({
    environment: nodeEnvironment(),
    dir,
    walDir,
    onProgress: ({ readBytes, totalBytes }) => {
      const share = totalBytes === 0 ? 0 : Math.min(1, readBytes / totalBytes);
      output.progress('verify', share, `of ${bytesText(totalBytes)}`);
    },
  });
  const isSound = report.verdict === 'sound';
  const opens = isSound ? {} : { opens: isOpened(report.damage) };
  await output.answer(options.json, { command: 'verify', dir, kind, ...report, ...opens }, () => [
    ...verifyText(dir, report),
    ...(isSound ? [] : adviceFor(options, kind, report.damage)),
  ]);
  return isSound ? EXIT.sound : EXIT.damage;
}

/** What a person is told of a report. */
export function verifyText(dir: string, report: VerifyReport): readonly Line[] {
  const { damage, blemishes, notes, segments, frames, entries, snapshots, readBytes } = report;
  const parts = [
    `read ${counted(segments, 'segment')} with ${counted(frames, 'frame')} and ${counted(entries, 'entry', 'entries')}`,
    counted(snapshots, 'snapshot'),
    bytesText(readBytes),
  ];
  const lines = [verdictLine(dir, damage.length), ...wrapped(parts.join(', '), 2)];
  const details = [
    ...damage.flatMap(damageText),
    ...blemishes.flatMap(noteText),
    ...notes.flatMap((note) => wrapped(`note: ${note}`, 2)),
  ];
  const all = details.length > 0 ? [...lines, '', ...details] : lines;
  return damage.length > 0 ? [...all, ''] : all;
}

/** The first line of an answer. */
export function verdictLine(dir: string, damages: number): Line {
  return damages === 0
    ? { text: `${dir} is sound`, style: 'green' }
    : { text: `${dir} is DAMAGED in ${counted(damages, 'place')}`, style: 'red' };
}
