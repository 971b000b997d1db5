import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Names of the cases to run; empty: all. */
  readonly names: readonly string[];
  /** Rounds in which a case and its reference take turns. */
  readonly rounds: number;
  /** Measured time of a case, its reference included, in seconds; filling logs comes on top. */
  readonly seconds: number;
  readonly json: boolean;
  /** Where the object of `json` goes, beside the table; null: to standard output, in its place. */
  readonly jsonFile: string | null;
  /** Where a page with charts goes; null: none is made. */
  readonly chart: string | null;
  /** A run that `--json` printed: it is told anew, and nothing is measured. */
  readonly run: string | null;
  /** The sizes of the design (4 GB, 10 M entries) instead of smaller ones. */
  readonly full: boolean;
}

/** A flag that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {}

const FLAGS = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  json: { type: 'boolean' },
  chart: { type: 'string' },
  run: { type: 'string' },
  full: { type: 'boolean' },
  quick: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** The text of `--help`. */
export function usage(names: readonly string[]): string {
  return `usage: npm run bench -- [names] [options]

names: ${names.join(' ')} (default: all)

  --rounds N    rounds in which each case and its reference take turns, 1..1000 (default: 11)
  --seconds S   measured time of a case, 0.1..600 (default: 8)
  --quick       5 rounds, 2 seconds a case: all of them in about four minutes
  --full        the sizes of the design: a 4 GB log, 10 million entries
  --json        one object on standard output instead of a table
  --json FILE   the same in FILE, whose name ends in .json, beside the table
  --chart FILE  a page with charts, beside what is printed
  --run FILE    a run that --json printed is told anew; nothing is measured
  --help        this text`;
}

/** Reads the flags; `'help'` if that is all that is asked for. Throws {@link UsageError}. */
export function readOptions(args: readonly string[], known: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseFlags(args);
  if (values.help === true) return 'help';
  const json = values.json ?? false;
  const names = positionals.filter((name) => !json || !isJsonFile(name));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no case '${unknown}'.`);
  const isQuick = values.quick === true;
  const rounds = within('--rounds', values.rounds ?? (isQuick ? '5' : '11'), 1, 1000);
  if (!Number.isInteger(rounds)) throw new UsageError(`--rounds is '${rounds}', expected a whole number.`);
  return {
    names,
    rounds,
    seconds: within('--seconds', values.seconds ?? (isQuick ? '2' : '8'), 0.1, 600),
    json,
    jsonFile: json ? (positionals.find(isJsonFile) ?? null) : null,
    chart: values.chart ?? null,
    run: values.run ?? null,
    full: values.full ?? false,
  };
}

function isJsonFile(name: string): boolean {
  return name.endsWith('.json');
}

interface Flags {
  readonly rounds?: string;
  readonly seconds?: string;
  readonly json?: boolean;
  readonly chart?: string;
  readonly run?: string;
  readonly full?: boolean;
  readonly quick?: boolean;
  readonly help?: boolean;
}

function parseFlags(args: readonly string[]): { values: Flags; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function within(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  throw new UsageError(`${flag} is '${text}', expected a number in ${min}..${max}.`);
}
