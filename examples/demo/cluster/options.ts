import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../single/options.js';
import type { ClusterSabotage } from './node-orders.js';

export interface ClusterOptions {
  /** The text that is loaded, line number to line. */
  readonly input: string;
  /** How often a process is killed, at least. */
  readonly killCount: number;
  /** Of all that is drawn at random; what the machine makes of it is its own. */
  readonly seed: number;
  readonly sabotage: ClusterSabotage;
  readonly keep: boolean;
  /** After so many seconds the demonstration gives up. */
  readonly deadlineS: number;
}

/** Below it not every kind of disaster would happen. */
const KILLS_MIN = 8;

export const CLUSTER_USAGE: string = `usage: npm run demo -- [options]          three nodes that are killed again and again
       npm run demo -- --single [...]    one log under one writer; --single --help says more

  --input FILE           text to load, line number to line (default: examples/demo/text/opticks.txt)
  --kills N              kills by SIGKILL, at least, ${KILLS_MIN}..10000 (default: 12)
  --seed N               of what is drawn at random, 0..4294967295 (default: another one each time)
  --sabotage ack-early   nodes acknowledge before they write: the demonstration must notice and exit 1
  --sabotage vote-early  nodes vote before they write the vote: the same
  --deadline-s N         give up after so many seconds, 10..86400 (default: 300)
  --keep                 leave the nodes' folders, and say where they are
  --help                 this text

exit codes: 0 all that was acknowledged is there, 1 it is not, 2 a flag or file is wrong, 3 given up`;

// This file runs from dist/examples/demo/cluster; the text is not built, so it stays where it was written.
const DEFAULT_INPUT = join(import.meta.dirname, '../../../../examples/demo/text/opticks.txt');

/** Reads the flags; `'help'` if that is all that is asked for. Throws {@link UsageError}. */
export function readClusterOptions(args: readonly string[]): ClusterOptions | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const seed = String(Math.floor(Math.random() * 2 ** 32));
  return {
    input: values.input ?? DEFAULT_INPUT,
    killCount: whole('--kills', values.kills ?? '12', KILLS_MIN, 10_000),
    seed: whole('--seed', values.seed ?? seed, 0, 2 ** 32 - 1),
    sabotage: sabotageOf(values.sabotage),
    keep: values.keep ?? false,
    deadlineS: whole('--deadline-s', values['deadline-s'] ?? '300', 10, 86_400),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        input: { type: 'string' },
        kills: { type: 'string' },
        seed: { type: 'string' },
        sabotage: { type: 'string' },
        'deadline-s': { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${flag} is '${text}', expected a whole number in ${min}..${max}.`);
}

function sabotageOf(text: string | undefined): ClusterSabotage {
  if (text === undefined) return 'none';
  if (text === 'ack-early' || text === 'vote-early') return text;
  throw new UsageError(`--sabotage is '${text}', expected 'ack-early' or 'vote-early'.`);
}
