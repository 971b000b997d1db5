import type { CliOptions } from './options.js';
import { commandText, wrapped, type Line } from './text.js';

/**
 * What an operator should do about a damaged store.
 *
 * @param opens whether a server opens it; null if that is not known
 */
export function adviceFor(
  { dir, walDir }: Pick<CliOptions, 'dir' | 'walDir'>,
  kind: 'wal' | 'raft',
  opens: boolean | null,
): readonly Line[] {
  const looked = wrapped(`Nothing was changed.${OPENS[String(opens) as keyof typeof OPENS]}`);
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

const OPENS = {
  true: ` A server opens this store, unless it asks for verifyOnOpen 'all'; what is named above fails when it is read.`,
  false: ' A server does not open this store.',
  null: '',
} as const;
