import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import { systemCode } from '../disk/index.js';
import { EXIT, type ExitCode } from './exit.js';
import { wrapped, type Line } from './text.js';

/** Counts up with each change of what `--json` prints that a reader could stumble over. */
export const SCHEMA_VERSION = 1;

/** A stream that may be a terminal. */
type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command line has of the process that runs it: `process` is one. */
export interface Host {
  readonly stdin: Readable;
  readonly stdout: Stream;
  readonly stderr: Stream;
  once(signal: NodeJS.Signals, listener: () => void): unknown;
  /** Ends all at once. */
  exit(code: ExitCode): void;
}

/** Where a command writes: what was asked for to stdout, everything else to stderr. */
export interface Output {
  readonly host: Host;
  /** One line of the answer. Waits while the reader is slow. */
  line(line: Line): Promise<void>;
  lines(lines: readonly Line[]): Promise<void>;
  /** The answer of a command as one object; for commands that answer in lines, on one. */
  json(answer: Readonly<Record<string, unknown>>, onOneLine?: boolean): Promise<void>;
  /** The answer of a command: as one object where that was asked for, else in lines. */
  answer(
    json: boolean,
    answer: Readonly<Record<string, unknown>>,
    lines: () => readonly Line[],
  ): Promise<void>;
  /** For the person, not part of the answer. */
  say(text: string): void;
  /** Progress: overwrites itself on a terminal, is a line now and then elsewhere. `share` is 0..1 of the work. */
  progress(what: string, share: number, ofWhat: string): void;
}

/** Shares of the work after which a line is written where nothing can be overwritten; the end tells of itself. */
const SHARE_STEP = 0.25;

/**
 * The streams of a process. A reader that went away (`keelson dump .. | head`) is no failure: the rest is not written,
 * and what the exit code says stays true. An answer that cannot be written (a full disk) is one: exit code 3, for the
 * store was judged, and nobody knows.
 *
 * @param endsWithReader - there is nothing more to do once nobody reads: the process ends, as if it had all been read
 */
export function outputTo(host: Host, quiet: boolean, endsWithReader: boolean): Output {
  const { stdout, stderr } = host;
  const gone = new AbortController();
  const progress = new Progress(stderr, quiet);
  stdout.on('error', (error: unknown) => {
    if (systemCode(error) !== 'EPIPE') unwritten(host, error);
    else if (endsWithReader) host.exit(EXIT.sound);
    else gone.abort();
  });
  // What is said beside the answer is lost with its reader, and with a full disk: the answer is not.
  stderr.on('error', () => undefined);
  const line = async (text: Line): Promise<void> => {
    progress.clear();
    if (gone.signal.aborted || stdout.write(`${painted(text, stdout)}\n`)) return;
    await once(stdout, 'drain', { signal: gone.signal }).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
  };
  const lines = async (all: readonly Line[]): Promise<void> => {
    for (const one of all) await line(one);
  };
  const json = (answer: object, onOneLine = false): Promise<void> =>
    line(JSON.stringify(answer, plainNumbers, onOneLine ? 0 : 2));
  return {
    host,
    line,
    lines,
    json,
    answer: (isJson, answer, text) =>
      isJson ? json({ schemaVersion: SCHEMA_VERSION, ...answer }) : lines(text()),
    say: (text) => {
      progress.clear();
      // A line for each message where nobody reads it on a screen: so it is found, and stays one in a journal.
      const told = stderr.isTTY ? wrapped(text, 2, stderr.columns) : [text];
      stderr.write(`${told.join('\n')}\n`);
    },
    progress: (what, share, ofWhat) => progress.tell(what, share, ofWhat),
  };
}

function unwritten(host: Host, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  host.stderr.write(`keelson: the answer could not be written: ${why}\n`);
  host.exit(EXIT.environment);
}

/** Colours where a terminal shows them, and NO_COLOR and FORCE_COLOR have their say. */
function painted(line: Line, stream: Stream): string {
  if (typeof line === 'string') return line;
  return styleText(line.style, line.text, { stream });
}

class Progress {
  readonly #stream: Stream;
  readonly #quiet: boolean;
  #isShown = false;
  #toldShare = 0;

  constructor(stream: Stream, quiet: boolean) {
    this.#stream = stream;
    this.#quiet = quiet;
  }

  clear(): void {
    if (this.#isShown) this.#stream.write('\r\u001B[K');
    this.#isShown = false;
  }

  tell(what: string, share: number, ofWhat: string): void {
    if (this.#quiet) return;
    const isTerminal = this.#stream.isTTY === true;
    const steps = Math.floor(share / SHARE_STEP);
    if (!isTerminal && (steps <= this.#toldShare || share >= 1)) return;
    this.#toldShare = steps;
    const percent = isTerminal ? Math.floor(share * 100) : steps * SHARE_STEP * 100;
    const text = `${what}: ${percent} % ${ofWhat}`;
    this.#stream.write(isTerminal ? `\r${text}\u001B[K` : `${text}\n`);
    this.#isShown = isTerminal;
  }
}

/** JSON has no infinity: an index without a bound is the text `"unbounded"`. */
export function plainNumbers(_key: string, value: unknown): unknown {
  return value === Infinity ? 'unbounded' : value;
}
