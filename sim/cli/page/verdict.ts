import { CLUSTER_RULES } from '../../cluster/cluster-finding.js';
import { RULES } from '../../oracle/finding.js';
import type { AnyFailure, AnyPlan } from '../any-plan.js';
import type { Moment, RunStory } from './run-story.js';

/** What a stranger is told first of a run that broke a rule. */
export interface Verdict {
  readonly rule: string;
  /** What the rule forbids, in a sentence. */
  readonly meaning: string;
  /** Number of the moment at which it was noticed. */
  readonly moment: number;
  /** Nodes that the failure names; none of a single store. */
  readonly nodes: readonly string[];
  /** Which entries it is about, in words; null if it says nothing of any. */
  readonly entries: string | null;
  readonly compared: Compared | null;
  /** Numbers of the moments that led to it, the last of which is {@link moment}. */
  readonly chain: readonly number[];
}

/** What was acknowledged beside what was found, each as `[same, different, rest]`. */
export interface Compared {
  readonly acknowledged: Split;
  readonly found: Split;
  /** What else would have been right. */
  readonly others: readonly string[];
}
export type Split = readonly [string, string, string];

/** Moments of the chain: as many as one reads at a glance. */
const CHAIN_MAX = 14;

const TELLS: ReadonlySet<Moment['kind']> = new Set([
  'op',
  'fault',
  'crash',
  'start',
  'open',
  'lead',
  'save',
  'saved',
  'refused',
  'fail',
  'found',
]);

export function verdictOf({ profile }: AnyPlan, failure: AnyFailure, { moments, lanes }: RunStory): Verdict {
  const rules: Readonly<Record<string, string>> = profile === 'cluster' ? CLUSTER_RULES : RULES;
  const { oracle, what, expected = [], found } = failure;
  const at = moments.findLastIndex(({ kind }) => kind === 'found');
  const moment = at < 0 ? moments.length - 1 : at;
  const nodes = lanes.filter((name) => new RegExp(`\\b${name}\\b`).test(what) && /^n\d+$/.test(name));
  const isOf = ({ lane, kind, span }: Moment): boolean =>
    (TELLS.has(kind) || (span !== undefined && /^(send|take)$/.test(kind))) &&
    (nodes.length === 0 || lane === 0 || nodes.includes(lanes[lane] ?? ''));
  const chain = moments.flatMap((each, number) => (number < moment && isOf(each) ? [number] : []));
  const [first, ...others] = expected;
  const compared = first === undefined || found === undefined ? null : { ...besides(first, found), others };
  return {
    rule: oracle,
    meaning: rules[oracle] ?? '',
    moment,
    nodes,
    entries: entriesOf(what, first, found),
    compared,
    chain: [...chain.slice(1 - CHAIN_MAX), moment],
  };
}

/** Where two lines that tell of a state part first, word by word. */
function besides(expected: string, found: string): Pick<Compared, 'acknowledged' | 'found'> {
  const [a, b] = [wordsOf(expected), wordsOf(found)];
  const same = a.findIndex((word, at) => word !== b[at]);
  const at = same < 0 ? a.length : same;
  const split = (words: readonly string[]): Split => [
    words.slice(0, at).join(''),
    words[at] ?? '',
    words.slice(at + 1).join(''),
  ];
  return { acknowledged: split(a), found: split(b) };
}

/** What belongs together stays so: `commit 5`, `entries 1..7 (terms 1x7)`. */
function wordsOf(text: string): readonly string[] {
  return text.split(/(?<=[,;]\s)/);
}

function entriesOf(what: string, expected: string | undefined, found: string | undefined): string | null {
  const [right, there] = [lastIn(expected), lastIn(found)];
  if (right === null || there === null || right === there)
    return /\b(?:entry|entries|index)(?: up to)? (\d+(?:\.\.\d+)?)/.exec(what)?.[1] ?? null;
  const range = (from: number, to: number): string =>
    from === to ? `entry ${String(to)}` : `entries ${String(from)}..${String(to)}`;
  return there < right
    ? `${range(there + 1, right)}, acknowledged and not there`
    : `${range(right + 1, there)}, which nobody was promised`;
}

/** The last index of a line that tells of a state. */
function lastIn(text = ''): number | null {
  const [, to, behind] = /entries (?:\d+\.\.|behind \d+ to )(\d+)|no entries behind (\d+)/.exec(text) ?? [];
  return to === undefined && behind === undefined ? null : Number(to ?? behind);
}
