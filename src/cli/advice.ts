import type { SurveyedKind } from '../raft-log/repair/survey-log.js';
import type { FoundDamage } from '../raft-log/verify-report.js';
import type { CliOptions } from './options.js';
import { commandText, wrapped, type Line } from './text.js';

/** Whether a server opens a store with all these damages. */
export function isOpened(damage: readonly FoundDamage[]): boolean {
  return damage.every(({ canOpen }) => canOpen);
}

/** What an operator should do about a store with these damages. */
export function adviceFor(
  { dir, walDir }: Pick<CliOptions, 'dir' | 'walDir'>,
  kind: SurveyedKind,
  damage: readonly FoundDamage[],
): readonly Line[] {
  if (kind === 'checkpoint')
    return wrapped(
      'Nothing was changed. No store can be made of this checkpoint. Take another one, or use another copy; then look at the disk that this one lies on.',
    );
  const looked = wrapped(
    `Nothing was changed.${isOpened(damage) ? OPENS : ' A server does not open this store.'}`,
  );
  const copy = [
    '  1. before anything else, copy the directory away, then look at the disk',
    '     (kernel log, SMART)',
  ];
  if (kind === 'wal')
    return [
      ...looked,
      'What to do:',
      ...copy,
      '  2. ask its owner: only that program knows what may be lost',
    ];
  return [
    ...looked,
    'Is data at risk? The other members of the cluster hold what was committed: do',
    'not remove any of them now.',
    'What to do:',
    ...copy,
    '  2. best: set the directory aside and let this server join again as a new',
    '     member',
    '  3. or see what can be kept, and what would be lost:',
    `     ${commandText('repair', dir, walDir, '--plan')}`,
  ];
}

const OPENS = ` A server opens this store, unless it asks for verifyOnOpen 'all'; what is named above fails when it is read.`;
