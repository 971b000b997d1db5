import { parseArgs } from 'node:util';
import { FILE_SYSTEMS, type FileSystem } from './file-system/file-systems.js';
import { WRONG_COPIES } from './wrong/wrong-copies.js';
import type { WrongCopy } from './wrong/wrong-copy.js';

export interface PowercutOptions {
  readonly fileSystem: FileSystem;
  readonly minutes: number;
  readonly seed: number;
  /** Number of a cut that an earlier run of this seed kept: only that one is made, again. */
  readonly cut: number | null;
  /** The wrong copies to catch; empty: the right one is tried. */
  readonly wrong: readonly WrongCopy[];
  /** Disks fail, or fill, in some generations. */
  readonly errors: boolean;
  readonly full: boolean;
  readonly json: boolean;
}

/** A flag that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {}

const FLAGS = {
  fs: { type: 'string', default: 'ext4' },
  minutes: { type: 'string', default: '2' },
  seed: { type: 'string' },
  cut: { type: 'string' },
  wrong: { type: 'string' },
  'all-wrong': { type: 'boolean' },
  calm: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const fileSystemNames = FILE_SYSTEMS.map(({ name }) => name).join(' ');

export const USAGE: string = `usage: npm run lab:powercut -- [options]

  --fs NAME      file system: ${fileSystemNames} (default: ext4)
  --minutes M    how long it goes on, of each wrong copy at most, 0.1..600 (default: 2)
  --seed N       what it draws (default: one that the clock says)
  --cut K        with the --seed of a run that found a violation at cut K: only that cut, again
  --wrong NAME   a writer that breaks a promise must be caught:
${WRONG_COPIES.map(({ name, says }) => `                   ${name.padEnd(18)} ${says}`).join('\n')}
  --all-wrong    each of them
  --calm         no disk fails or fills
  --json         one object on standard output instead of a table
  --help         this text`;

/** Reads the flags; `'help'` if that is all that is asked for. Throws {@link UsageError}. */
export function readOptions(args: readonly string[]): PowercutOptions | 'help' {
  const flags = parseFlags(args);
  if (flags.help === true) return 'help';
  const fileSystem = FILE_SYSTEMS.find(({ name }) => name === flags.fs);
  if (fileSystem === undefined)
    throw new UsageError(`--fs is '${flags.fs}', expected one of: ${fileSystemNames}.`);
  if (flags.cut !== undefined && flags.seed === undefined)
    throw new UsageError('--cut needs the --seed of the run that kept it.');
  return {
    fileSystem,
    minutes: number('--minutes', flags.minutes, 0.1, 600),
    seed: whole('--seed', flags.seed ?? String(Date.now() % 1_000_000), 2 ** 32 - 1),
    cut: flags.cut === undefined ? null : whole('--cut', flags.cut, 2 ** 32),
    wrong: wrongCopies(flags.wrong, flags['all-wrong'] === true),
    errors: flags.calm !== true,
    full: flags.calm !== true,
    json: flags.json === true,
  };
}

function wrongCopies(name: string | undefined, isAll: boolean): readonly WrongCopy[] {
  if (isAll) return WRONG_COPIES;
  if (name === undefined) return [];
  const named = WRONG_COPIES.filter((copy) => copy.name === name);
  if (named.length > 0) return named;
  const names = WRONG_COPIES.map((copy) => copy.name).join(' ');
  throw new UsageError(`--wrong is '${name}', expected one of: ${names}.`);
}

interface Flags {
  readonly fs: string;
  readonly minutes: string;
  readonly seed?: string;
  readonly cut?: string;
  readonly wrong?: string;
  readonly 'all-wrong'?: boolean;
  readonly calm?: boolean;
  readonly json?: boolean;
  readonly help?: boolean;
}

function parseFlags(args: readonly string[]): Flags {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`${flag} is '${text}', expected a number in ${least}..${most}.`);
}

function whole(flag: string, text: string, most: number): number {
  const value = number(flag, text, 0, most);
  if (!Number.isInteger(value)) throw new UsageError(`${flag} is '${text}', expected a whole number.`);
  return value;
}
