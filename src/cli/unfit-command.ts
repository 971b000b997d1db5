import { given } from '../errors/arguments.js';
import { markUnfit, planUnfit, type UnfitPlan, type VotingState } from '../raft-log/repair/mark-unfit.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import { commandText, factsText, fitnessText, hardStateText, wrapped, type Line } from './text.js';

/** `keelson unfit`: says how a restored store would be marked; with `--apply` does it. */
export async function unfitCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir, term, until, apply, json } = options;
  const known = term === null ? undefined : { term, lastIndex: until };
  const request = { dir, ...given({ walDir: walDir ?? undefined, known }) };
  const plan = await (apply ? markUnfit(request) : planUnfit(request));
  await output.answer(json, { command: 'unfit', dir, applied: apply, ...plan }, () => textOf(options, plan));
  return EXIT.sound;
}

const NAME_WIDTH = 14;

function textOf(options: CliOptions, plan: UnfitPlan): readonly Line[] {
  const { dir, walDir, apply, term, until } = options;
  const { action, before, after } = plan;
  if (action === 'none') return [`${dir} is marked already; there is nothing to do`, ...stateText(after)];
  const isForEver = after.unfitUntil === Infinity;
  if (apply)
    return [
      { text: `${dir} is marked unfit to vote`, style: 'green' },
      ...stateText(after),
      '',
      ...wrapped(
        isForEver
          ? 'What to do: remove this server from the cluster and let it join under a new member id. Under its old one it follows, and never votes again.'
          : 'What to do: start the server. It follows and catches up, and votes again by itself. Restore no second server of the cluster meanwhile.',
      ),
    ];
  const flags = `${term === null ? '' : `--term ${term} --until ${until} `}--apply`;
  return [
    `${dir} as it is:`,
    ...stateText(before),
    'and as it would be marked:',
    ...stateText(after),
    '',
    'Nothing was changed. Stop the server. Then:',
    `  ${commandText('unfit', dir, walDir, flags)}`,
  ];
}

function stateText({ hardState, unfitUntil }: VotingState): readonly string[] {
  const fitness = fitnessText(unfitUntil, hardState.commit);
  return factsText(
    [
      ['  hard state', hardStateText(hardState)],
      ['  fit to vote', fitness],
    ],
    NAME_WIDTH,
  );
}
