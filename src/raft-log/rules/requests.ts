import { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import {
  checkBytes,
  checkInteger,
  checkKnownFields,
  checkRecord,
  checkVote,
  invalidArgument,
} from './arguments.js';
import type { Entry, HardState, HardStateChange, ReadOptions, SaveRequest } from '../contract.js';
import type { VerifyOptions } from '../repair/verify-store.js';

/** Checks of whole requests: their shape alone, before they are held against the log. */

const SAVE_FIELDS = ['truncateFrom', 'entries', 'hardState'] as const;
const HARD_STATE_FIELDS = ['term', 'vote', 'commit'] as const;
const READ_FIELDS = ['bytesMax'] as const;

/** A save request: `KEELSON_INVALID_ARGUMENT` names what is wrong, `KEELSON_INDEX_GAP` a hole in its entries. */
export function checkSaveRequest(request: unknown): asserts request is SaveRequest {
  checkRecord('request', request);
  checkKnownFields('', request, SAVE_FIELDS);
  if (request['truncateFrom'] !== undefined) checkInteger('truncateFrom', request['truncateFrom'], 0);
  if (request['entries'] !== undefined) checkEntries(request['entries']);
  if (request['hardState'] !== undefined) checkHardStateChange('hardState', request['hardState']);
}

/** Entries in order of index: a duplicate or a step back is an invalid argument, a step of two is a gap. */
export function checkEntries(entries: unknown): asserts entries is readonly Entry[] {
  if (!Array.isArray(entries)) throw invalidArgument('entries', entries, 'an array of entries');
  if (entries.length > LIMITS.saveEntriesMax) {
    throw new KeelsonError(
      'KEELSON_TOO_LARGE',
      `entries has ${String(entries.length)} entries, at most ${String(LIMITS.saveEntriesMax)} fit in a save; nothing was changed. Split the save.`,
      { argument: 'entries', found: entries.length, expected: LIMITS.saveEntriesMax },
    );
  }
  let expectedIndex = 0;
  for (let position = 0; position < entries.length; position += 1) {
    const index = checkEntry(position, entries[position]);
    if (position > 0 && index !== expectedIndex) throw outOfOrder(position, index, expectedIndex);
    expectedIndex = index + 1;
  }
}

function checkEntry(position: number, entry: unknown): number {
  if (typeof entry === 'object' && entry !== null && isSoundEntry(entry as UncheckedEntry))
    return (entry as Entry).index;
  return describeEntry(position, entry);
}

type UncheckedEntry = Readonly<Record<keyof Entry, unknown>>;

/** The usual case, at the cost of a few comparisons; any other is looked at one by one, and named if it is refused. */
function isSoundEntry({ index, term, kind, data }: UncheckedEntry): boolean {
  return (
    Number.isSafeInteger(index) &&
    (index as number) >= 1 &&
    Number.isSafeInteger(term) &&
    (term as number) >= 0 &&
    kind === undefined &&
    data instanceof Uint8Array &&
    data.length > 0
  );
}

/** Every check of an entry, one by one; throws what is wrong with it, and returns its index if nothing is. */
function describeEntry(position: number, entry: unknown): number {
  const name = `entries[${String(position)}]`;
  if (typeof entry !== 'object' || entry === null) throw invalidArgument(name, entry, 'an entry');
  const { index, term, kind, data } = entry as UncheckedEntry;
  checkInteger(`${name}.index`, index, 1);
  checkInteger(`${name}.term`, term, 0);
  if (kind !== undefined) checkInteger(`${name}.kind`, kind, 0, LIMITS.entryKindMax);
  checkBytes(`${name}.data`, data);
  return index;
}

function outOfOrder(position: number, found: number, expected: number): KeelsonError {
  const name = `entries[${String(position)}].index`;
  if (found < expected)
    return invalidArgument(name, found, `${String(expected)}, one above the entry before it`);
  return new KeelsonError(
    'KEELSON_INDEX_GAP',
    `${name} is ${String(found)}, expected ${String(expected)}: entries ${String(expected)}..${String(found - 1)} are missing; nothing was changed. Send them too.`,
    { argument: name, index: found, found, expected },
  );
}

/** A change of the hard state: any of its fields, and no others. */
export function checkHardStateChange(argument: string, change: unknown): asserts change is HardStateChange {
  checkRecord(argument, change);
  checkKnownFields(argument, change, HARD_STATE_FIELDS);
  const { term, vote, commit } = change as Readonly<Record<keyof HardState, unknown>>;
  if (term !== undefined) checkInteger(`${argument}.term`, term, 0);
  if (vote !== undefined) checkVote(`${argument}.vote`, vote);
  if (commit !== undefined) checkInteger(`${argument}.commit`, commit, 0);
}

/** A hard state with none of its fields left out. */
export function checkWholeHardState(argument: string, hardState: unknown): asserts hardState is HardState {
  checkHardStateChange(argument, hardState);
  for (const field of HARD_STATE_FIELDS) {
    if (hardState[field] === undefined) throw invalidArgument(`${argument}.${field}`, undefined, 'a value');
  }
}

/** A snapshot's configuration: bytes, at most 64 KiB (`KEELSON_TOO_LARGE`). */
export function checkConf(conf: unknown): asserts conf is Uint8Array {
  checkBytes('conf', conf);
  if (conf.length <= LIMITS.confBytesMax) return;
  throw new KeelsonError(
    'KEELSON_TOO_LARGE',
    `conf has ${String(conf.length)} bytes, at most ${String(LIMITS.confBytesMax)} are kept; nothing was changed. Keep what is larger in the snapshot's data.`,
    { argument: 'conf', found: conf.length, expected: LIMITS.confBytesMax },
  );
}

/** A snapshot's data: bytes, or an async iterable of them (whose chunks are checked as they come). */
export function checkSnapshotData(data: unknown): void {
  if (typeof data === 'object' && data !== null && Symbol.asyncIterator in data) return;
  try {
    checkBytes('data', data);
  } catch {
    throw invalidArgument('data', data, 'a Uint8Array or an async iterable of them');
  }
}

/** A snapshot request: its fields are known, and its data is some. What they say is judged against the log. */
export function checkSnapshotRequest(request: unknown, known: readonly string[]): void {
  checkRecord('request', request);
  checkKnownFields('', request, known);
  checkSnapshotData(request['data']);
}

/** The options of a read; resolves to the bound on its bytes, `Infinity` for none. */
export function checkReadOptions(options: unknown): number {
  if (options === undefined) return Infinity;
  checkRecord('options', options);
  checkKnownFields('options', options, READ_FIELDS);
  const { bytesMax } = options as Readonly<Record<keyof ReadOptions, unknown>>;
  if (bytesMax === undefined || bytesMax === Infinity) return Infinity;
  if (typeof bytesMax !== 'number' || !Number.isSafeInteger(bytesMax) || bytesMax < 0) {
    throw invalidArgument('options.bytesMax', bytesMax, 'an integer of 0 and up, or Infinity');
  }
  return bytesMax;
}

/** The options of a verification. */
export function checkVerifyOptions(options: unknown): VerifyOptions {
  checkRecord('options', options);
  checkKnownFields('options', options, ['signal', 'onProgress']);
  const { signal, onProgress } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidArgument('options.signal', signal, 'an AbortSignal');
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw invalidArgument('options.onProgress', onProgress, 'a function');
  return options;
}
