import type { StableChange } from '../../format/stable-values.js';
import { readStable } from './stable-changes.js';
import {
  checkFunction,
  checkInteger,
  checkKnownFields,
  checkRecord,
  checkSignal,
  given,
  invalidArgument,
  isWellFormed,
  readBytes,
  readFields,
} from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import type { HardState, SnapshotData } from '../contract.js';
import { HostStream } from '../../snapshot/let-go.js';
import type { VerifyOptions } from '../verify-report.js';
import { GivenEntries } from './given-entries.js';

/** Whole requests: read once, and refused by their shape alone, before they are held against the log. */

const SAVE_FIELDS = ['truncateFrom', 'entries', 'hardState', 'stable'] as const;
const HARD_STATE_FIELDS = ['term', 'vote', 'commit'] as const;

/** A save as it was read: nothing of it changes any more but the bytes, which are the caller's until they are encoded. */
export interface GivenSave {
  readonly truncateFrom: number | undefined;
  readonly entries: GivenEntries;
  readonly hardState: GivenHardState | undefined;
  readonly stable: StableChange | undefined;
}

/** A change of the hard state as it was read; undefined is what was left out. */
export type GivenHardState = { readonly [Field in keyof HardState]?: HardState[Field] | undefined };

/**
 * Reads a save request: `KEELSON_INVALID_ARGUMENT` names what is wrong, `KEELSON_INDEX_GAP` a hole in its entries,
 * `KEELSON_TOO_LARGE` says that they are too many.
 */
export function readSave(request: unknown): GivenSave {
  checkRecord('request', request);
  checkKnownFields('request', request, SAVE_FIELDS, '');
  const { truncateFrom, entries, hardState, stable } = request as Readonly<Record<keyof GivenSave, unknown>>;
  if (truncateFrom !== undefined) checkInteger('truncateFrom', truncateFrom, 0);
  return {
    truncateFrom,
    entries: entries === undefined ? GivenEntries.NONE : GivenEntries.read(entries),
    hardState: hardState === undefined ? undefined : readHardState('hardState', hardState),
    stable: stable === undefined ? undefined : readStable('stable', stable),
  };
}

/** Reads a change of the hard state: any of its fields, and no others. */
export function readHardState(argument: string, change: unknown): GivenHardState {
  checkRecord(argument, change);
  checkKnownFields(argument, change, HARD_STATE_FIELDS);
  const { term, vote, commit } = change as Readonly<Record<keyof HardState, unknown>>;
  if (term !== undefined) checkInteger(`${argument}.term`, term, 0);
  if (vote !== undefined) checkVote(`${argument}.vote`, vote);
  if (commit !== undefined) checkInteger(`${argument}.commit`, commit, 0, LIMITS.indexMax);
  return { term, vote, commit };
}

/** Reads a hard state with none of its fields left out. */
export function readWholeHardState(argument: string, hardState: unknown): HardState {
  const { term, vote, commit } = readHardState(argument, hardState);
  if (term === undefined) throw invalidArgument(`${argument}.term`, term, 'a value');
  if (vote === undefined) throw invalidArgument(`${argument}.vote`, vote, 'a value');
  if (commit === undefined) throw invalidArgument(`${argument}.commit`, commit, 'a value');
  return { term, vote, commit };
}

/** A vote: 1..255 bytes of UTF-8, or null for none. */
function checkVote(argument: string, value: unknown): asserts value is string | null {
  if (value === null) return;
  const expected = `null or a string of 1..${String(LIMITS.voteBytesMax)} bytes of UTF-8`;
  if (typeof value !== 'string' || value.length === 0) throw invalidArgument(argument, value, expected);
  // The length in code units never passes the length in bytes, so a huge string is refused unread.
  if (value.length > LIMITS.voteBytesMax || Buffer.byteLength(value, 'utf8') > LIMITS.voteBytesMax) {
    throw invalidArgument(argument, value, expected);
  }
  if (!isWellFormed(value)) throw invalidArgument(argument, value, `${expected}, without lone surrogates`);
}

/** A snapshot that the host asks for, as it was read; conf and bytes are copies. */
export interface GivenSnapshot {
  readonly index: number;
  readonly conf: Uint8Array<ArrayBuffer>;
  readonly data: SnapshotData;
  readonly bytes: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A snapshot from a leader, as it was read. */
export interface GivenInstall extends GivenSnapshot {
  readonly term: number;
  readonly hardState: GivenHardState | undefined;
}

export const SNAPSHOT_FIELDS = ['index', 'conf', 'data', 'bytes', 'signal'] as const;
export const INSTALL_FIELDS = ['index', 'term', 'conf', 'data', 'bytes', 'hardState', 'signal'] as const;
type FieldsOf<Known extends readonly string[]> = Readonly<Record<Known[number], unknown>>;

/** The request of `createSnapshot`, by its fields. */
export function readSnapshot(fields: FieldsOf<typeof SNAPSHOT_FIELDS>): GivenSnapshot {
  const { index, conf, data, bytes, signal } = fields;
  checkInteger('index', index, 1, LIMITS.indexMax);
  const [ownConf, ownData] = [readConf(conf), readSnapshotData(data)];
  if (bytes !== undefined) checkInteger('bytes', bytes, 0);
  checkSignal('signal', signal);
  return { index, conf: ownConf, data: ownData, bytes, signal };
}

/** The request of `installSnapshot`, likewise. */
export function readInstall(fields: FieldsOf<typeof INSTALL_FIELDS>): GivenInstall {
  const { term, hardState } = fields;
  checkInteger('term', term, 0);
  return {
    ...readSnapshot(fields),
    term,
    hardState: hardState === undefined ? undefined : readHardState('hardState', hardState),
  };
}

/** A snapshot's configuration: bytes, at most 64 KiB (`KEELSON_TOO_LARGE`). */
function readConf(value: unknown): Uint8Array<ArrayBuffer> {
  const conf = readBytes('conf', value);
  if (conf.length <= LIMITS.confBytesMax) return new Uint8Array(conf);
  throw new KeelsonError(
    'KEELSON_TOO_LARGE',
    `conf has ${String(conf.length)} bytes, at most ${String(LIMITS.confBytesMax)} are kept; nothing was changed. Keep what is larger in the snapshot's data.`,
    { argument: 'conf', found: conf.length, expected: LIMITS.confBytesMax },
  );
}

/**
 * A snapshot's data: bytes, copied here and now, since the snapshot may wait for its turn for as long as another streams;
 * or an async iterable of them, whose pieces are looked at as they come.
 */
function readSnapshotData(data: unknown): SnapshotData {
  if (typeof data === 'object' && data !== null && !ArrayBuffer.isView(data)) {
    const iterate: unknown = Reflect.get(data, Symbol.asyncIterator);
    if (typeof iterate === 'function') return new HostStream(data, iterate);
    throw invalidArgument('data', data, 'a Uint8Array or an async iterable of them');
  }
  return new Uint8Array(readBytes('data', data));
}

/** The options of a verification. */
export function readVerifyOptions(options: unknown): VerifyOptions {
  const { signal, onProgress } = readFields('options', options, ['signal', 'onProgress']);
  checkSignal('options.signal', signal);
  if (onProgress !== undefined) checkFunction('options.onProgress', onProgress);
  return given({ signal, onProgress: onProgress as VerifyOptions['onProgress'] });
}
