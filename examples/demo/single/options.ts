import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** How the writer lies, so that the demonstration can show that it would notice. */
export type Sabotage = 'none' | 'ack-early';

export interface DemoOptions {
  /** The text that is fed, line by line. */
  readonly input: string;
  /** How often a process is killed. */
  readonly killCount: number;
  /** Of all that is drawn at random; the moment at which a kill lands is still the machine's own. */
  readonly seed: number;
  readonly sabotage: Sabotage;
  /** Leave the folder of the log, and say where it is. */
  readonly keep: boolean;
}

/** A flag that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {}

export const USAGE = `usage: npm run demo -- [--single] [options]

  --input FILE           text to feed, line by line (default: examples/demo/text/opticks.txt)
  --kills N              kills by SIGKILL, 1..100000 (default: 30)
  --seed N               of what is drawn at random, 0..4294967295 (default: another one each time)
  --sabotage ack-early   acknowledge before writing: the demonstration must notice and exit 1
  --keep                 leave the folder of the log, and say where it is
  --help                 this text

exit codes: 0 all that was acknowledged is there, 1 it is not, 2 a flag or file is wrong`;

// This file runs from dist/examples/demo/single; the text is not built, so it stays where it was written.
const DEFAULT_INPUT = join(import.meta.dirname, '../../../../examples/demo/text/opticks.txt');

const FLAGS = {
  input: { type: 'string' },
  kills: { type: 'string' },
  seed: { type: 'string' },
  sabotage: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Reads the flags; `'help'` if that is all that is asked for. Throws {@link UsageError}. */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const values = parseFlags(args);
  if (values.help === true) return 'help';
  return {
    input: values.input ?? DEFAULT_INPUT,
    killCount: wholeNumber('--kills', values.kills ?? '30', 1, 100_000),
    seed: wholeNumber('--seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0, 2 ** 32 - 1),
    sabotage: sabotageOf(values.sabotage),
    keep: values.keep ?? false,
  };
}

interface Flags {
  readonly input?: string;
  readonly kills?: string;
  readonly seed?: string;
  readonly sabotage?: string;
  readonly keep?: boolean;
  readonly help?: boolean;
}

function parseFlags(args: readonly string[]): Flags {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${flag} is '${text}', expected a whole number in ${min}..${max}.`);
}

function sabotageOf(text: string | undefined): Sabotage {
  if (text === undefined) return 'none';
  if (text === 'ack-early') return text;
  throw new UsageError(`--sabotage is '${text}', expected 'ack-early'.`);
}
