import { parseArgs } from 'node:util';
import { FILE_SYSTEMS } from './file-system/file-systems.js';
import { RIVALS, type Rival } from './rivals/stores.js';
import type { Layout } from './run/mounted-log.js';
import { WRONG_COPIES } from './wrong/wrong-copies.js';
import type { WrongCopy } from './wrong/wrong-copy.js';

export interface PowercutOptions extends Layout {
  readonly minutes: number;
  readonly seed: number;
  /** Number of a cut that an earlier run of this seed kept: only that one is made, again. */
  readonly cut: number | null;
  /** Another's store to try in Keelson's place, or null. */
  readonly rival: Rival | null;
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
  rival: { type: 'string' },
  'two-disks': { type: 'boolean' },
  large: { type: 'boolean' },
  calm: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const rivalNames = RIVALS.map(({ name }) => name).join(' ');
const fileSystemNames = FILE_SYSTEMS.map(({ name }) => name).join(' ');

export const USAGE: string = `usage: npm run lab:powercut -- [options]

  --fs NAME      file system: ${fileSystemNames} (default: ext4)
  --minutes M    how long it goes on, of each wrong copy at most, 0.1..600 (default: 2)
  --seed N       what it draws (default: one that the clock says)
  --cut K        with the --seed of a run that found a violation at cut K: only that cut, again
  --wrong NAME   a writer that breaks a promise must be caught:
${WRONG_COPIES.map(({ name, says }) => `                   ${name.padEnd(18)} ${says}`).join('\n')}
  --all-wrong    each of them
  --rival NAME   another's store in Keelson's place: ${rivalNames}
  --two-disks    segments on a second disk (walDir), which loses power at the same moment; not btrfs
  --large        segments of 64 MiB, as they are without options
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
  if (flags['two-disks'] === true && fileSystem.type === 'btrfs')
    throw new UsageError(
      '--two-disks: btrfs takes two disks with one identity for one. Choose another --fs.',
    );
  return {
    fileSystem,
    minutes: number('--minutes', flags.minutes, 0.1, 600),
    seed: whole('--seed', flags.seed ?? String(Date.now() % 1_000_000), 2 ** 32 - 1),
    cut: flags.cut === undefined ? null : whole('--cut', flags.cut, 2 ** 32),
    rival: rivalOf(flags.rival),
    wrong: wrongCopies(flags.wrong, flags['all-wrong'] === true),
    twoDisks: flags['two-disks'] === true,
    large: flags.large === true,
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

function rivalOf(name: string | undefined): Rival | null {
  if (name === undefined) return null;
  const rival = RIVALS.find((each) => each.name === name);
  if (rival === undefined) throw new UsageError(`--rival is '${name}', expected one of: ${rivalNames}.`);
  return rival;
}

interface Flags {
  readonly fs: string;
  readonly minutes: string;
  readonly seed?: string;
  readonly cut?: string;
  readonly wrong?: string;
  readonly 'all-wrong'?: boolean;
  readonly rival?: string;
  readonly 'two-disks'?: boolean;
  readonly large?: boolean;
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
