import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { readFailed } from '../../disk/disk-failure.js';
import { isKeelsonError } from '../../errors/index.js';
import { checksumText } from '../../format/checksum.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import type { Entry, HardState } from '../../raft-log/contract.js';
import { foreignDamage, noForeignLog, type FoundForeign } from './foreign.js';

/** A line of `keelson dump`, with the fields that an import reads. */
interface Line {
  readonly type?: unknown;
  readonly boundary?: { readonly index: number; readonly term: number };
  readonly index: number;
  readonly term: number;
  readonly kind: number;
  readonly data?: string;
  readonly checksum: string;
  readonly bytes: number;
  readonly replacesLog?: boolean;
  readonly lastIndex: number;
  readonly hardState: HardState;
  readonly unfitUntil: number | 'unbounded';
  readonly stable: Readonly<Record<string, string>>;
  readonly snapshot: { readonly index: number; readonly term: number } | null;
  readonly message?: string;
}

/** What `keelson dump` printed, from a file or with `-` from stdin: whole, and with the bytes as base64. */
export async function readJsonl(path: string, stdin: Readable): Promise<FoundForeign> {
  const lines = linesOf(path, stdin);
  const first = await lines.next();
  const store = first.done === true ? null : first.value;
  if (store?.type !== 'store' || store.boundary === undefined)
    throw noForeignLog(path, 'its first line is not that of a dump of a whole Raft log');
  const { boundary } = store;
  let end: Line | null = null;
  const ended = (): Line => {
    if (end === null)
      throw noForeignLog(
        path,
        'it ends before the line of type end: the dump was cut, or is of a damaged store',
      );
    return end;
  };
  return {
    boundary,
    entries: async function* () {
      for await (const line of lines) {
        if (line.type === 'entry' && line.index > boundary.index) yield entryOf(path, line);
        if (line.type === 'truncation') yield { truncateFrom: line.index };
        if (line.type === 'snapshot' && line.replacesLog === true) yield { truncateFrom: line.index + 1 };
        if (line.type === 'damage' || line.type === 'error')
          throw noForeignLog(path, `the store that was dumped is damaged: ${line.message ?? line.type}`);
        if (line.type === 'end') end = line;
      }
      ended();
    },
    end: () => {
      const { hardState, unfitUntil, stable } = ended();
      const { term, vote, commit } = hardState;
      return {
        hardState: { term, vote, commit },
        unfitUntil: unfitUntil === 'unbounded' ? Infinity : unfitUntil,
        stable: Object.fromEntries(
          Object.entries(stable).map(([key, hex]) => [key, Buffer.from(hex, 'hex')]),
        ),
      };
    },
    snapshot: () => ended().snapshot,
    left: () => [],
  };
}

async function* linesOf(path: string, stdin: Readable): AsyncGenerator<Line, void, undefined> {
  const input = path === '-' ? stdin : createReadStream(path);
  let number = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number += 1;
      if (text !== '') yield lineOf(path, number, text);
    }
  } catch (error) {
    if (isKeelsonError(error)) throw error;
    throw readFailed('what is imported', { path }, error);
  }
}

function lineOf(path: string, number: number, text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    throw noForeignLog(path, `line ${number} is no JSON`);
  }
}

function entryOf(path: string, { index, term, kind, data, checksum, bytes }: Line): Entry {
  const decoded = Buffer.from(data ?? '', 'base64');
  const found = checksumText(entryChecksum(index, term, kind, decoded));
  if (data !== undefined && decoded.length === bytes && found === checksum)
    return { index, term, kind, data: decoded };
  throw foreignDamage(
    path,
    0,
    `entry ${index} has ${decoded.length} bytes and checksum ${found}, expected ${bytes} and ${checksum}; dump with --data base64`,
  );
}
