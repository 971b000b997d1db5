import { parseArgs } from 'node:util';
import { type Profile, PROFILES } from './any-plan.js';

export const USAGE: string = `npm run sim -- [options]

  --seed N            run one seed
  --seeds A..B        run the seeds A, A+1, .. B (default 1..1000)
  --plan FILE         replay a plan, and print its trace
  --from N            with --plan: keep its first N operations, and go on as the seed, or each seed, draws
  --profile NAME      ${PROFILES.join(' or ')} (default disk)
  --minutes M         stop after M minutes, whatever seeds are left; from --seeds' first seed on
  --jobs J            worker threads (default 1)
  --shard i/n         run every nth seed, from the ith (1..n): disjoint for a farm of machines
  --artefacts DIR     where a failure leaves its files (default sim-failures)
  --report [FILE]     write a page: of a search its figures, of a plan the run, moment by moment (default
                      sim-report.html)
  --shiviz FILE       with --plan: write the run as text for ShiViz
  --json              print one object as the last line
  --merge FILE...     add up the objects that shards printed, and print the sum

Exit code: 0 clean, 1 something was found, 2 wrong usage, 3 a fault of the simulator itself.`;

/** Wrong usage; the message says what. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CliOptions {
  readonly from: number;
  /** Half-open. */
  readonly until: number;
  readonly plan: string | null;
  /** Operations of the plan that stay where it is continued; null: it is replayed as it is. */
  readonly forkFrom: number | null;
  readonly shiviz: string | null;
  readonly profile: Profile;
  readonly minutes: number | null;
  readonly jobs: number;
  readonly shard: { readonly index: number; readonly count: number };
  readonly artefacts: string;
  readonly report: string | null;
  readonly json: boolean;
  readonly merge: readonly string[];
  readonly help: boolean;
}

/** Seeds when `--minutes` bounds the run and nothing else does. */
const SEEDS_WITHOUT_BOUND = 2 ** 40;

export function parseOptions(args: readonly string[]): CliOptions {
  const { values, positionals } = parse(args);
  if (positionals.length > 0 && values.merge !== true)
    throw new UsageError(`what is '${positionals.join(' ')}'?`);
  const needsPlan = ['from', 'shiviz'] as const;
  for (const name of needsPlan)
    if (values[name] !== undefined && values.plan === undefined)
      throw new UsageError(`--${name} needs a --plan`);
  if (values.from !== undefined && values.seed === undefined && values.seeds === undefined)
    throw new UsageError('--from needs the --seed or --seeds that draw what comes behind it');
  const minutes = values.minutes === undefined ? null : positive('--minutes', values.minutes);
  const range = rangeOf(values.seed, values.seeds, minutes !== null);
  const profile = PROFILES.find((name) => name === values.profile);
  if (profile === undefined)
    throw new UsageError(`--profile is ${PROFILES.join(' or ')}, not '${values.profile}'`);
  return {
    ...range,
    plan: values.plan ?? null,
    forkFrom: values.from === undefined ? null : whole('--from', values.from, 0),
    shiviz: values.shiviz ?? null,
    profile,
    minutes,
    jobs: whole('--jobs', values.jobs, 1),
    shard: shardOf(values.shard),
    artefacts: values.artefacts,
    report: values.report ?? null,
    json: values.json,
    merge: values.merge === true ? positionals : [],
    help: values.help,
  };
}

/** A page that is not named has a name of its own. */
function withReport(arg: string, at: number, args: readonly string[]): readonly string[] {
  const isBare = arg === '--report' && (args[at + 1] ?? '--').startsWith('--');
  return isBare ? [arg, 'sim-report.html'] : [arg];
}

// The types of what parseArgs returns follow from the table, which no annotation could say again.
function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: args.flatMap(withReport),
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        plan: { type: 'string' },
        from: { type: 'string' },
        shiviz: { type: 'string' },
        profile: { type: 'string', default: 'disk' },
        minutes: { type: 'string' },
        jobs: { type: 'string', default: '1' },
        shard: { type: 'string', default: '1/1' },
        artefacts: { type: 'string', default: 'sim-failures' },
        report: { type: 'string' },
        json: { type: 'boolean', default: false },
        merge: { type: 'boolean' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function rangeOf(
  seed: string | undefined,
  seeds: string | undefined,
  isTimed: boolean,
): { readonly from: number; readonly until: number } {
  if (seed !== undefined && seeds !== undefined) throw new UsageError('--seed or --seeds, not both');
  if (seed !== undefined) {
    const from = whole('--seed', seed, 0);
    return { from, until: from + 1 };
  }
  if (seeds === undefined) return { from: 1, until: isTimed ? SEEDS_WITHOUT_BOUND : 1001 };
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(seeds) ?? [];
  if (first === undefined || last === undefined) throw new UsageError(`--seeds is A..B, not '${seeds}'`);
  if (Number(last) < Number(first)) throw new UsageError(`--seeds ${seeds} is empty`);
  return { from: Number(first), until: Number(last) + 1 };
}

function shardOf(text: string): CliOptions['shard'] {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (!(shard.index >= 1 && shard.index <= shard.count))
    throw new UsageError(`--shard is i/n with 1 <= i <= n, not '${text}'`);
  return shard;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${name} is above 0, not '${text}'`);
  return value;
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${name} is a whole number from ${least}, not '${text}'`);
  return value;
}
