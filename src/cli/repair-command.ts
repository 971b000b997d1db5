import { nodeEnvironment } from '../disk/node-environment.js';
import type { RepairPlan } from '../raft-log/repair/repair-plan.js';
import { planStoreRepair, repairStore, type RepairReport } from '../raft-log/repair/repair-store.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import { SCHEMA_VERSION, type Output } from './output.js';
import { bytesText, damageText, indexText, rangeText } from './text.js';

/** `keelson repair`: says what can be kept and what would be lost; with `--apply` does it. */
export async function repairCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir, apply, json } = options;
  const request = {
    environment: nodeEnvironment(),
    dir,
    walDir,
    onProgress: (readBytes: number, totalBytes: number): void => {
      const share = totalBytes === 0 ? 0 : Math.min(1, readBytes / totalBytes);
      output.progress(`repair: read ${bytesText(readBytes)} of ${bytesText(totalBytes)}`, share);
    },
  };
  const done = apply ? await repairStore(request) : null;
  const plan = done ?? (await planStoreRepair(request));
  if (json)
    await output.json({ schemaVersion: SCHEMA_VERSION, command: 'repair', dir, applied: apply, ...plan });
  else
    for (const line of done === null ? planText(dir, walDir, plan) : reportText(dir, walDir, done))
      await output.line(line);
  if (plan.action === 'none') return EXIT.sound;
  return apply && plan.action !== 'impossible' ? EXIT.sound : EXIT.damage;
}

function planText(dir: string, walDir: string | null, plan: RepairPlan): readonly string[] {
  if (plan.action === 'none') return [`${dir}: ${plan.why}`];
  const head = [
    `${dir} is DAMAGED in ${plan.damage.length === 1 ? '1 place' : `${plan.damage.length} places`}`,
    '',
  ];
  const damage = [...plan.damage.flatMap(damageText), ''];
  if (plan.action === 'impossible') return [...head, ...damage, `It cannot be repaired: ${plan.why}.`];
  return [
    ...head,
    ...damage,
    `What a repair does: ${plan.why}.`,
    ...factsOf(plan),
    '',
    'Nothing was changed. Before you apply it: stop the server (without a superblock nothing can tell that it runs),',
    'copy the directory away, and prefer to let this server join again as a new member, if it can.',
    `To apply: keelson repair ${dir}${walDir === null ? '' : ` --wal-dir ${walDir}`} --apply`,
  ];
}

function reportText(dir: string, walDir: string | null, report: RepairReport): readonly string[] {
  if (report.action === 'none' || report.action === 'impossible') return planText(dir, walDir, report);
  return [
    `${dir} is repaired: ${report.why}.`,
    ...factsOf(report),
    `set aside      ${report.quarantined.length} files, nothing was deleted:`,
    ...report.quarantined.map((path) => `    ${path}`),
    '',
    ...nextSteps(dir, report),
  ];
}

function factsOf({ result, lost }: RepairPlan): readonly string[] {
  if (result === null) return [];
  const { firstIndex, lastIndex, hardState, snapshot, unfitUntil } = result;
  const range = (name: string, entries: { from: number; until: number } | null): readonly string[] =>
    entries === null ? [] : [`${name} ${rangeText(entries)}`];
  const vote = hardState.vote === null ? 'none' : JSON.stringify(hardState.vote);
  return [
    `entries kept   ${rangeText({ from: firstIndex, until: lastIndex + 1 })}`,
    `hard state     term ${hardState.term}, vote ${vote}, commit ${hardState.commit}`,
    `snapshot       ${snapshot === null ? 'none' : `index ${snapshot.index}, term ${snapshot.term}`}`,
    ...range('covered       ', lost.covered).map((line) => `${line} (by the snapshot: not lost)`),
    ...range('LOST          ', lost.acknowledged).map(
      (line) => `${line} (were durable: may have been acknowledged)`,
    ),
    ...range('lost          ', lost.unacknowledged).map(
      (line) => `${line} (no witness says that they were durable)`,
    ),
    `acknowledged   ${lost.mayBeAcknowledged ? `something that was acknowledged may be lost; ${lost.bound}` : 'nothing that was acknowledged is lost'}`,
    `fit to vote    ${unfitUntil <= hardState.commit ? 'yes' : `NO, until commit reaches ${indexText(unfitUntil)}`}`,
  ];
}

function nextSteps(dir: string, { result, lost }: RepairReport): readonly string[] {
  if (!lost.mayBeAcknowledged) return ['What to do: start the server. It has all that it ever acknowledged.'];
  if (result?.unfitUntil === Infinity)
    return [
      'What to do: do not start this server under its old name. It will never vote under it, and may have forgotten in',
      'which term it last did: remove it from the cluster, and let it join under a new member id.',
    ];
  return [
    'What to do: start the server. It follows and catches up, and votes again by itself once its commit index has',
    `reached ${indexText(result?.unfitUntil ?? 0)}: keelson inspect ${dir} says when. Repair no second server of the cluster meanwhile.`,
  ];
}
