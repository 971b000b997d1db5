import { once } from 'node:events';
import { systemCode } from '../disk/index.js';

/** Counts up with each change of what `--json` prints that a reader could stumble over. */
export const SCHEMA_VERSION = 1;

/** Where a command writes: what was asked for to stdout, everything else to stderr. */
export interface Output {
  /** One line of the answer. Waits while the reader is slow. */
  line(text: string): Promise<void>;
  /** The answer of a command as one object. */
  json(answer: Readonly<Record<string, unknown>>): Promise<void>;
  /** For the person, not part of the answer. */
  say(text: string): void;
  /** Progress: overwrites itself on a terminal, is a line now and then elsewhere. */
  progress(text: string, share: number): void;
}

/** Shares of the work after which a line is written where nothing can be overwritten. */
const SHARE_STEP = 0.25;

/**
 * The process's own streams. A reader that went away (`keelson dump .. | head`) is no failure: the rest is not written,
 * and what the exit code says stays true.
 *
 * @param endsWithReader - there is nothing more to do once nobody reads: the process ends, as if it had all been read
 */
export function processOutput(quiet: boolean, endsWithReader: boolean): Output {
  const { stdout, stderr } = process;
  const gone = new AbortController();
  stdout.on('error', (error: unknown) => {
    if (systemCode(error) !== 'EPIPE') throw error;
    if (endsWithReader) process.exit(0);
    gone.abort();
  });
  stderr.on('error', (error: unknown) => {
    if (systemCode(error) !== 'EPIPE') throw error;
  });
  let isProgressShown = false;
  let toldShare = 0;
  const clear = (): void => {
    if (isProgressShown) stderr.write('\r\u001B[K');
    isProgressShown = false;
  };
  const line = async (text: string): Promise<void> => {
    clear();
    if (gone.signal.aborted || stdout.write(`${text}\n`)) return;
    await once(stdout, 'drain', { signal: gone.signal }).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
  };
  return {
    line,
    json: (answer) => line(JSON.stringify(answer, plainNumbers, 2)),
    say: (text) => {
      clear();
      stderr.write(`${text}\n`);
    },
    progress: (text, share) => {
      if (quiet) return;
      if (stderr.isTTY) {
        stderr.write(`\r${text}\u001B[K`);
        isProgressShown = true;
      } else if (share >= toldShare + SHARE_STEP) {
        toldShare = share;
        stderr.write(`${text}\n`);
      }
    },
  };
}

/** JSON has no infinity: an index without a bound is the text `"unbounded"`. */
export function plainNumbers(_key: string, value: unknown): unknown {
  return value === Infinity ? 'unbounded' : value;
}
