import { dirname } from 'node:path';
import type { RepairPlan } from '../raft-log/repair/repair-plan.js';
import { planStoreRepair, repairStore, type RepairReport } from '../raft-log/repair-store.js';
import { EXIT, type ExitCode } from './exit.js';
import { environmentOf } from './owner-of-store.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import {
  bytesText,
  commandText,
  counted,
  damageText,
  entriesText,
  factsText,
  factText,
  fitnessText,
  hardStateText,
  snapshotText,
  wrapped,
  type Line,
} from './text.js';
import { verdictLine } from './verify-command.js';

/** `keelson repair`: says what can be kept and what would be lost; with `--apply` does it. */
export async function repairCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir, apply, json } = options;
  const request = {
    environment: environmentOf(dir),
    dir,
    walDir,
    onProgress: (readBytes: number, totalBytes: number): void => {
      const share = totalBytes === 0 ? 0 : Math.min(1, readBytes / totalBytes);
      output.progress('repair: read', share, `of ${bytesText(totalBytes)}`);
    },
  };
  const done = apply ? await repairStore(request) : null;
  const plan = done ?? (await planStoreRepair(request));
  await output.answer(json, { command: 'repair', dir, applied: apply, ...plan }, () =>
    done === null ? planText(options, plan) : reportText(options, done),
  );
  if (plan.action === 'none') return EXIT.sound;
  return apply && plan.action !== 'impossible' ? EXIT.sound : EXIT.damage;
}

function planText(options: CliOptions, plan: RepairPlan): readonly Line[] {
  const { dir, walDir } = options;
  if (plan.action === 'none') return [`${dir}: ${plan.why}`];
  const head = [verdictLine(dir, plan.damage.length), '', ...plan.damage.flatMap(damageText), ''];
  if (plan.action === 'impossible') return [...head, ...wrapped(`It cannot be repaired: ${plan.why}.`)];
  return [
    ...head,
    ...wrapped(`What a repair does: ${plan.why}.`),
    ...factsOf(plan),
    '',
    'Nothing was changed. Before you apply it: stop the server (without a superblock',
    'nothing can tell that it runs), copy the directory away, and prefer to let this',
    'server join again as a new member, if it can. To apply:',
    `  ${commandText('repair', dir, walDir, '--apply')}`,
  ];
}

function reportText(options: CliOptions, report: RepairReport): readonly Line[] {
  if (report.action === 'none' || report.action === 'impossible') return planText(options, report);
  const folders = [...new Set(report.quarantined.map((path) => dirname(path)))];
  return [
    { text: `${options.dir} is repaired`, style: 'green' },
    ...wrapped(`What was done: ${report.why}.`),
    ...factsOf(report),
    ...factText(
      'set aside',
      `${counted(report.quarantined.length, 'file')}, nothing was deleted`,
      NAME_WIDTH,
    ),
    ...folders.map((path) => `    ${path}`),
    '',
    ...nextSteps(options, report),
  ];
}

const NAME_WIDTH = 14;

function factsOf({ result, lost }: RepairPlan): readonly Line[] {
  if (result === null) return [];
  const { firstIndex, lastIndex, hardState, snapshot, unfitUntil } = result;
  const kept = { from: firstIndex, until: lastIndex + 1 };
  const facts: (readonly [string, string])[] = [
    ['kept', entriesText(kept)],
    ['hard state', hardStateText(hardState)],
    ['snapshot', snapshotText(snapshot)],
  ];
  if (lost.covered !== null)
    facts.push(['covered', `${entriesText(lost.covered)} (by the snapshot: not lost)`]);
  if (lost.acknowledged !== null)
    facts.push(['LOST', `${entriesText(lost.acknowledged)} (durable: may have been acknowledged)`]);
  if (lost.unacknowledged !== null)
    facts.push(['lost', `${entriesText(lost.unacknowledged)} (no witness says that they were durable)`]);
  const isLost = `something that was acknowledged may be lost; ${lost.bound}`;
  facts.push(
    ['acknowledged', lost.mayBeAcknowledged ? isLost : 'nothing that was acknowledged is lost'],
    ['fit to vote', fitnessText(unfitUntil, hardState.commit)],
  );
  return factsText(facts, NAME_WIDTH);
}

function nextSteps({ dir, walDir }: CliOptions, { result, lost }: RepairReport): readonly Line[] {
  if (!lost.mayBeAcknowledged) return ['What to do: start the server. It has all that it ever acknowledged.'];
  if (result?.unfitUntil === Infinity)
    return [
      'What to do: do not start this server under its old name. It will never vote',
      'under it, and may have forgotten in which term it last did: remove it from the',
      'cluster, and let it join under a new member id.',
    ];
  return [
    'What to do: start the server. It follows and catches up, and votes again by',
    `itself once its commit index has reached ${result?.unfitUntil ?? 0}. Repair no second server of the`,
    'cluster meanwhile. When it has caught up is said by:',
    `  ${commandText('inspect', dir, walDir)}`,
  ];
}
