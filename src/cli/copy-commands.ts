import { given } from '../errors/arguments.js';
import { checkpointStore } from '../raft-log/copies/checkpoint-store.js';
import { cloneRaftLog } from '../raft-log/copies/clone-raft-log.js';
import type { CloneOptions, CloneReport } from '../raft-log/copies/copies-contract.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import { environmentOf } from './owner-of-store.js';
import {
  commandText,
  counted,
  factsText,
  factText,
  fitnessText,
  hardStateText,
  snapshotText,
  wrapped,
  type Facts,
  type Line,
} from './text.js';

/** `keelson checkpoint`: a copy of what a store holds at this moment, of which `clone` makes a store. */
export async function checkpointCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir, scope, to, json } = options;
  const made = await checkpointStore({ environment: environmentOf(dir), dir, walDir, scope, to });
  const { snapshot, segments, replayAfter } = made;
  const answer = { to, ...plainOf(made) };
  await output.answer(json, { command: 'checkpoint', dir, ...answer }, () => [
    { text: `${to} is a checkpoint of ${dir}`, style: 'green' },
    ...factText('  snapshot', snapshotText(snapshot), NAME_WIDTH),
    ...factText('  segments', `${segments.length}, to be replayed behind LSN ${replayAfter}`, NAME_WIDTH),
    '',
    'To make a store of it:',
    `  ${commandText('clone', to, null, '--to PATH --identity new-member')}`,
  ]);
  return EXIT.sound;
}

/** What is asked of the new store, whatever it is made of. */
export function cloneOptionsOf({
  to,
  toWalDir,
  identity,
  wholeCluster,
}: CliOptions): Pick<CloneOptions, 'to' | 'toWalDir' | 'identity' | 'wholeCluster'> {
  return { to, identity, wholeCluster, ...given({ toWalDir: toWalDir ?? undefined }) };
}

/** `keelson clone`: a store of its own, of another one or of a checkpoint. */
export async function cloneCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir, to, json } = options;
  const ofSource = given({ walDir: walDir ?? undefined, environment: environmentOf(dir) });
  const report = await cloneRaftLog(dir, { ...cloneOptionsOf(options), ...ofSource });
  await output.answer(json, { command: 'clone', dir, to, ...plainOf(report) }, () => [
    { text: `${to} is a clone of ${dir}`, style: 'green' },
    ...cloneText(report),
  ]);
  return EXIT.sound;
}

const NAME_WIDTH = 14;

/** A report without the bytes that only a program can use. */
export function plainOf(report: Pick<CloneReport, 'snapshot'>): object {
  const { conf: _, ...named } = report.snapshot ?? {};
  return { ...report, snapshot: report.snapshot === null ? null : named };
}

/** What a new store is, and what that means for its vote. */
export function cloneText(report: CloneReport): readonly Line[] {
  const { identity, firstIndex, lastIndex, hardState, snapshot, unfitUntil, skipped, sourceLsn } = report;
  const entries =
    lastIndex < firstIndex ? `none, the next has index ${lastIndex + 1}` : `${firstIndex}..${lastIndex}`;
  const facts: Facts = [
    ['  taken at', `LSN ${sourceLsn}`],
    ['  entries', entries],
    ['  snapshot', snapshotText(snapshot)],
    ['  hard state', hardStateText(hardState)],
    ['  fit to vote', fitnessText(unfitUntil, hardState.commit)],
  ];
  const left =
    skipped.length === 0
      ? []
      : [
          '',
          ...wrapped(
            `Not there and not needed, since the snapshot covers them: ${counted(skipped.length, 'segment')}, the first ${skipped[0] ?? ''}`,
          ),
        ];
  return [...factsText(facts, NAME_WIDTH), ...left, '', ...wrapped(meaningOf(identity, unfitUntil))];
}

function meaningOf(identity: CloneReport['identity'], unfitUntil: number): string {
  if (identity === 'new-member')
    return 'It joins the cluster under a new member id, and only so: under the id of its source two servers would have one vote, and a term could get two leaders.';
  if (unfitUntil === Infinity)
    return 'It may take the place of its original, which must never start again. The original may have voted, and acknowledged entries, since the copy: so this one follows and catches up, and never votes. If every member of the cluster is restored from copies of one moment, and only then, restore each with --whole-cluster.';
  return 'It votes as its original did: every member of the cluster must be restored from copies of this one moment, and none of the originals may start again.';
}
