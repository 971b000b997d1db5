import { parseArgs } from 'node:util';
import { UsageError } from './exit.js';

export const USAGE = `usage: keelson COMMAND DIR [options]

  inspect DIR    what the store holds: segments, indexes, terms, hard state, snapshots, fitness, space
  verify DIR     read all of it and hold it against its checksums; says every damage and its place
  dump DIR       its records as JSON lines, in the order in which they were written
  repair DIR --plan     what a repair would do, and what would be lost; changes nothing
  repair DIR --apply    do it: damaged files go to quarantine/, nothing is deleted

  --wal-dir PATH    where the segments are, if they are not in DIR
  --json            the answer as one JSON object (dump: always JSON lines)
  --quiet           no progress on stderr
  --from N          dump: entries from index N on
  --until N         dump: entries below index N
  --data FORM       dump: base64 (default), hex, utf8 or none
  --help, --version

inspect, verify, dump and repair --plan change nothing and are safe beside a running server.
exit codes: 0 sound, 1 damage, 2 wrong usage, 3 locked, unreadable, not there or no log`;

export type Command = 'inspect' | 'verify' | 'dump' | 'repair';
export type DataForm = 'base64' | 'hex' | 'utf8' | 'none';

/** A command line, read. */
export interface CliOptions {
  readonly command: Command;
  readonly dir: string;
  /** Null: inside `dir`. */
  readonly walDir: string | null;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Half-open range of indexes. */
  readonly from: number;
  readonly until: number;
  readonly data: DataForm;
  /** Of `repair`: whether to do it. */
  readonly apply: boolean;
}

const FLAGS = {
  'wal-dir': { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
  from: { type: 'string' },
  until: { type: 'string' },
  data: { type: 'string' },
  plan: { type: 'boolean' },
  apply: { type: 'boolean' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

type Flags = ReturnType<typeof parseFlags>['values'];

const COMMANDS: readonly Command[] = ['inspect', 'verify', 'dump', 'repair'];
/** Flags that only one command knows. */
const OWN_FLAGS: Readonly<Record<string, Command>> = {
  from: 'dump',
  until: 'dump',
  data: 'dump',
  plan: 'repair',
  apply: 'repair',
};

/** Reads the command line. Throws {@link UsageError}. */
export function readCommandLine(args: readonly string[]): CliOptions | 'help' | 'version' {
  const { values, positionals } = parseFlags(args);
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  const [name, dir, ...rest] = positionals;
  const command = COMMANDS.find((one) => one === name);
  if (name === undefined) throw new UsageError('no command is given.');
  if (command === undefined) throw new UsageError(`there is no command '${name}'.`);
  if (dir === undefined || dir === '') throw new UsageError(`${command} needs the directory of the store.`);
  if (rest.length > 0) throw new UsageError(`'${rest.join(' ')}' is more than ${command} takes.`);
  for (const [flag, owner] of Object.entries(OWN_FLAGS)) {
    if (flag in values && owner !== command) throw new UsageError(`--${flag} belongs to ${owner}.`);
  }
  const from = indexOf('--from', values.from, 0);
  const until = indexOf('--until', values.until, Infinity);
  if (from > until) throw new UsageError(`--from is ${from}, above --until, which is ${until}.`);
  return {
    command,
    dir,
    walDir: pathOf(values['wal-dir']),
    json: values.json ?? false,
    quiet: values.quiet ?? false,
    from,
    until,
    data: dataForm(values.data),
    apply: appliesOf(command, values),
  };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function indexOf(flag: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${flag} is '${text}', expected an index, a whole number.`);
}

function pathOf(text: string | undefined): string | null {
  if (text === '') throw new UsageError('--wal-dir is empty, expected a path.');
  return text ?? null;
}

function dataForm(text: string | undefined): DataForm {
  const form = (['base64', 'hex', 'utf8', 'none'] as const).find((one) => one === (text ?? 'base64'));
  if (form === undefined)
    throw new UsageError(`--data is '${text ?? ''}', expected base64, hex, utf8 or none.`);
  return form;
}

function appliesOf(command: Command, { plan, apply }: Flags): boolean {
  if (command !== 'repair') return false;
  if (plan === true && apply === true) throw new UsageError('--plan and --apply exclude each other.');
  if (plan !== true && apply !== true)
    throw new UsageError('repair needs --plan, which changes nothing, or --apply.');
  return apply === true;
}
