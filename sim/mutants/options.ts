import { parseArgs } from 'node:util';

export const USAGE: string = `npm run sim:mutants -- [options]

Plants bugs in copies of the sources, one by one, and searches seeds until each is found.

  --only 5,12      these bugs alone (their rows of the table are made anew, the others stay)
  --jobs J         threads (default 1)
  --starts N       searches of each bug, each from a seed of its own (default 5); the median counts
  --seeds N        seeds that each search may try (default 1000)
  --far N          seeds that one more search may try if half of the others found nothing (default 25000; 0: none)
  --minutes M      begin no search after M minutes; bugs left out keep their rows
  --dry            leave docs/simulator-power.md and the figures as they are

Exit code: 0 the gate holds, 1 it does not, 2 wrong usage, 3 a patch no longer applies.`;

/** Wrong usage; the message says what. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface GateOptions {
  readonly only: ReadonlySet<number> | null;
  readonly jobs: number;
  readonly starts: number;
  readonly seeds: number;
  readonly far: number;
  readonly minutes: number;
  readonly dry: boolean;
  readonly help: boolean;
}

export function parseOptions(args: readonly string[]): GateOptions {
  const { values } = parse(args);
  const only = values.only?.split(',').map((text) => whole('--only', text, 1));
  return {
    only: only === undefined ? null : new Set(only),
    jobs: whole('--jobs', values.jobs, 1),
    starts: whole('--starts', values.starts, 1),
    seeds: whole('--seeds', values.seeds, 1),
    far: whole('--far', values.far, 0),
    minutes: values.minutes === undefined ? Infinity : whole('--minutes', values.minutes, 1),
    dry: values.dry,
    help: values.help,
  };
}

// The types of what parseArgs returns follow from the table, which no annotation could say again.
function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        jobs: { type: 'string', default: '1' },
        starts: { type: 'string', default: '5' },
        seeds: { type: 'string', default: '1000' },
        far: { type: 'string', default: '25000' },
        minutes: { type: 'string' },
        dry: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${name} is a whole number from ${least}, not '${text}'`);
  return value;
}
