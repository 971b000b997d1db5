import { parseArgs } from 'node:util';
import type { CheckpointScope, CloneIdentity } from '../raft-log/copies/copies-contract.js';
import { UsageError } from './exit.js';
import { dataForm, numberFlag, scopeOf, textFlag, wordFlag, type DataForm } from './flags.js';
import { COMMANDS, FLAGS, knowsFlag, type Command, type Flag } from './help.js';

/** A command line, read. */
export interface CliOptions {
  readonly command: Command;
  readonly dir: string;
  /** Null: inside `dir`. */
  readonly walDir: string | null;
  /** Of `clone` and `restore`: where the segments of the new store are to be; null: inside it. */
  readonly toWalDir: string | null;
  readonly json: boolean;
  /** Of `inspect`: where a page goes; null: none is made. */
  readonly html: string | null;
  /** Of `inspect`: bytes of what a frame covers that the page may show. */
  readonly bytes: number;
  readonly quiet: boolean;
  /** Of `dump`: half-open range of indexes. Of `unfit`: `until` is the commit that ends it. */
  readonly from: number;
  readonly until: number;
  readonly data: DataForm;
  /** Of `unfit`: the highest term of the others; null if it was not said. */
  readonly term: number | null;
  /** Of `repair` and `unfit`: whether to do it. */
  readonly apply: boolean;
  /** Of `restore`: what is behind `dir` on the command line. */
  readonly more: readonly string[];
  /** Of what makes something: where; '' for all others. */
  readonly to: string;
  readonly scope: CheckpointScope;
  /** Of `clone` and `restore`. */
  readonly identity: CloneIdentity;
  readonly wholeCluster: boolean;
  /** Of `backup`: null for all. */
  readonly since: number | null;
  /** Of `import`. */
  readonly form: ForeignForm;
}

/** Forms of logs that can be imported. */
export const FOREIGN_FORMS = ['etcd-wal', 'raft-boltdb', 'jsonl'] as const;
export type ForeignForm = (typeof FOREIGN_FORMS)[number];

/** A command line that asks for words alone. */
export interface HelpWanted {
  readonly command: Command | null;
  readonly wanted: 'help' | 'version';
}

type Values = Readonly<Partial<Record<Flag, string | true>>>;

/** Reads the command line. Throws {@link UsageError}. */
export function readCommandLine(args: readonly string[]): CliOptions | HelpWanted {
  const { values, names, fault } = tokensOf(args);
  if (values.version !== undefined) return { command: null, wanted: 'version' };
  const asksHelp = names[0] === 'help';
  const [name, dir, ...rest] = asksHelp ? names.slice(1) : names;
  const command = COMMANDS.find((one) => one === name) ?? null;
  if (name !== undefined && command === null) throw new UsageError(`there is no command '${name}'.`);
  if (fault !== null) throw new UsageError(fault, command);
  if (asksHelp || values.help !== undefined) return { command, wanted: 'help' };
  if (command === null) throw new UsageError('no command is given.');
  const refuse = (message: string): UsageError => new UsageError(message, command);
  if (dir === undefined || dir === '') throw refuse(`${command} needs the directory of the store.`);
  if (rest.length > 0 && command !== 'restore')
    throw refuse(`'${rest.join(' ')}' is more than ${command} takes.`);
  for (const flag of Object.keys(values) as Flag[])
    if (!knowsFlag(command, flag)) throw refuse(`--${flag} is no option of ${command}.`);
  try {
    return { command, dir, more: rest, ...valuesOf(command, values) };
  } catch (error) {
    throw error instanceof UsageError ? refuse(error.message) : error;
  }
}

function valuesOf(command: Command, values: Values): Omit<CliOptions, 'command' | 'dir' | 'more'> {
  const from = command === 'import' ? 0 : (numberFlag(values, 'from') ?? 0);
  const until = numberFlag(values, 'until') ?? Infinity;
  if (from > until) throw new UsageError(`--from is ${from}, above --until, which is ${until}.`);
  const term = numberFlag(values, 'term') ?? null;
  if (command === 'unfit' && (term === null) !== (until === Infinity))
    throw new UsageError('--term and --until come together, or neither of them.');
  return {
    walDir: textFlag(values, 'wal-dir') ?? null,
    toWalDir: textFlag(values, 'to-wal-dir') ?? null,
    json: values.json !== undefined,
    html: textFlag(values, 'html') ?? null,
    bytes: bytesOf(values),
    quiet: values.quiet !== undefined,
    from,
    until,
    data: dataForm(values),
    term,
    apply: appliesOf(command, values),
    ...copyOf(command, values),
  };
}

const MAKES: ReadonlySet<Command> = new Set(['checkpoint', 'clone', 'backup', 'restore', 'import']);

function copyOf(
  command: Command,
  values: Values,
): Pick<CliOptions, 'to' | 'scope' | 'identity' | 'wholeCluster' | 'since' | 'form'> {
  const { to } = values;
  if (MAKES.has(command) && (typeof to !== 'string' || to === ''))
    throw new UsageError(`${command} needs --to, where it makes what it makes.`);
  const copies = command === 'clone' || command === 'restore';
  return {
    to: String(to ?? ''),
    scope: scopeOf(values),
    identity: wordFlag(values, 'identity', ['new-member', 'same'], copies ? null : 'new-member'),
    wholeCluster: values['whole-cluster'] !== undefined,
    since: numberFlag(values, 'since') ?? null,
    form: command === 'import' ? wordFlag(values, 'from', FOREIGN_FORMS, null) : 'jsonl',
  };
}

interface Tokens {
  readonly values: Values;
  readonly names: readonly string[];
  /** What is wrong with the first flag that cannot be followed; null if none is. */
  readonly fault: string | null;
}

/**
 * Flags and what stands beside them. Not by the strict reading of Node: of a flag it does not know it says three lines,
 * and takes the next flag for the value of one that lacks its own.
 */
function tokensOf(args: readonly string[]): Tokens {
  const options = Object.fromEntries(
    Object.entries(FLAGS).map(([flag, value]) => [
      flag,
      { type: value === null ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: args.map((arg) => (arg === '-h' ? '--help' : arg)),
    options,
    strict: false,
    tokens: true,
  });
  const values: Partial<Record<Flag, string | true>> = {};
  const names: string[] = [];
  let fault: string | null = null;
  for (const token of tokens) {
    if (token.kind === 'positional') names.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    fault ??= faultOf(name, rawName, value, inlineValue === true);
    if (isFlag(name)) values[name] = value ?? true;
  }
  return { values, names, fault };
}

function faultOf(name: string, rawName: string, value: string | undefined, isInline: boolean): string | null {
  if (!isFlag(name)) return `there is no option ${rawName}.`;
  const needed = FLAGS[name];
  if (needed === null) return value === undefined ? null : `${rawName} takes no value.`;
  const isLacking = value === undefined || (!isInline && value.startsWith('--'));
  return isLacking ? `${rawName} needs a value: ${rawName} ${needed}.` : null;
}

function isFlag(name: string): name is Flag {
  return Object.hasOwn(FLAGS, name);
}

/** A page stays one that a browser opens. */
const BYTES_MAX = 64;

function bytesOf(values: Values): number {
  const bytes = numberFlag(values, 'bytes') ?? 0;
  if (bytes > BYTES_MAX) throw new UsageError(`--bytes is ${bytes}, expected at most ${BYTES_MAX}.`);
  if (bytes > 0 && values.html === undefined) throw new UsageError('--bytes needs --html.');
  return bytes;
}

function appliesOf(command: Command, { plan, apply }: Values): boolean {
  if (plan !== undefined && apply !== undefined)
    throw new UsageError('--plan and --apply exclude each other.');
  if (command === 'repair' && plan === undefined && apply === undefined)
    throw new UsageError('repair needs --plan, which changes nothing, or --apply.');
  return apply !== undefined;
}
