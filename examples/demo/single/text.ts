import { readFileSync } from 'node:fs';
import { UsageError } from './options.js';

const TEXT_BYTES_MAX = 64 * 1024 * 1024;
const LINE_BYTES_MAX = 1024 * 1024;
const NEWLINE = 0x0a;

/** Most bytes of lines that one save carries. */
export const SAVE_BYTES_MAX: number = 256 * 1024;

/** The text that is fed, over and over: line `n` is `lines[n % lines.length]`. */
export class Text {
  readonly #lines: readonly Uint8Array[];

  constructor(lines: readonly Uint8Array[]) {
    this.#lines = lines;
  }

  get lineCount(): number {
    return this.#lines.length;
  }

  /** The bytes of line `n`, without the end of the line. */
  line(n: number): Uint8Array {
    return this.#lines[n % this.#lines.length]!;
  }

  /** How many lines from `n` on fit into one save, at least one and at most `most`. */
  fitting(n: number, most: number): number {
    let bytes = 0;
    for (let count = 0; count < most; count++) {
      bytes += this.line(n + count).length;
      if (bytes > SAVE_BYTES_MAX) return Math.max(count, 1);
    }
    return most;
  }
}

/** Reads a text; throws {@link UsageError} if the file cannot serve. */
export function readText(path: string): Text {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read the text: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (bytes.length > TEXT_BYTES_MAX)
    throw new UsageError(`${path} has ${bytes.length} bytes; at most ${TEXT_BYTES_MAX} can be fed.`);
  const lines = splitLines(bytes);
  if (lines.length === 0) throw new UsageError(`${path} is empty: there is no line to feed.`);
  const long = lines.findIndex((line) => line.length > LINE_BYTES_MAX);
  if (long >= 0) {
    throw new UsageError(
      `line ${long + 1} of ${path} has ${lines[long]!.length} bytes; at most ${LINE_BYTES_MAX} can be fed.`,
    );
  }
  return new Text(lines);
}

/** Splits bytes, not characters, so that any file comes back as it was. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, from);
    const until = end < 0 ? bytes.length : end;
    lines.push(bytes.slice(from, until));
    from = until + 1;
  }
  return lines;
}
