import { checksumText } from '../format/checksum.js';
import { decodeStable } from '../format/stable-values.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import {
  decodeBoundary,
  decodeHardState,
  decodeSnapshotName,
  decodeUnfit,
  RAFT_RECORD_KINDS,
  readEntryRecord,
} from '../format/raft-records.js';
import type { RawRecord } from '../format/record.js';
import { surveyLog } from '../raft-log/repair/survey-log.js';
import type { SurveyedFrame } from '../wal/survey/survey-segment.js';
import { isKeelsonError } from '../errors/index.js';
import { boundaryOf } from '../raft-log/copies/verify-copy.js';
import type { DurableState } from '../raft-log/state/durable-state.js';
import { EXIT, type ExitCode } from './exit.js';
import type { DataForm } from './flags.js';
import type { CliOptions } from './options.js';
import { SCHEMA_VERSION, type Output } from './output.js';
import { commandText, counted } from './text.js';

/** `keelson dump`: the records, one JSON object a line, as they were written; an index that comes twice was replaced. */
export async function dumpCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir } = options;
  const put = (record: object): Promise<void> => output.json({ ...record }, true);
  await put({ type: 'store', schemaVersion: SCHEMA_VERSION, dir, ...(await beginningOf(dir, walDir)) });
  const onFrame = async (frame: SurveyedFrame): Promise<void> => {
    for (const record of recordsOf(frame, options)) await put(record);
  };
  const { damages, kind, state } = await surveyLog({ environment: nodeEnvironment(), dir, walDir, onFrame });
  for (const damage of damages) await put({ type: 'damage', ...damage });
  if (damages.length === 0) {
    if (kind !== 'wal' && state !== null) await put({ type: 'end', ...endOf(state) });
    return EXIT.sound;
  }
  output.say(
    `keelson: ${dir} is damaged in ${counted(damages.length, 'place')}; what is printed is what can be read. Run: ${commandText('verify', dir, walDir)}`,
  );
  return EXIT.damage;
}

/** Where a log begins, for who reads its records; nothing of one that cannot be opened. */
async function beginningOf(dir: string, walDir: string | null): Promise<object> {
  try {
    return { boundary: await boundaryOf(nodeEnvironment(), dir, walDir) };
  } catch (error) {
    if (!isKeelsonError(error)) throw error;
    return {};
  }
}

/** What the records come to. */
function endOf(state: DurableState): object {
  const { firstIndex, lastIndex, lastTerm, hardState, unfitUntil, snapshotName } = state;
  const stable = inHex(state.stable);
  const snapshot = snapshotName === null ? null : { index: snapshotName.index, term: snapshotName.term };
  return { firstIndex, lastIndex, lastTerm, hardState, unfitUntil, stable, snapshot };
}

/** The records of a frame that the range asks for. */
function* recordsOf(frame: SurveyedFrame, options: CliOptions): Generator<object> {
  const { header, records, path } = frame;
  const { from, until, firstLsn, lowTerm } = header;
  const isAsked = (index: number): boolean => index >= options.from && index < options.until;
  const asksAll = options.from === 0 && options.until === Infinity;
  // A hard state carries no index of its own: it comes with the entries that it was saved with.
  const isFrameAsked = asksAll || (until > from && until > options.from && from < options.until);
  const entriesFrom = records.count - (until - from);
  records.rewind();
  for (let at = 0; records.next(); at += 1) {
    const record: RawRecord = records;
    const place = { lsn: firstLsn + at, epoch: header.epoch, path, offset: records.offset };
    if (at < entriesFrom) {
      const control = controlOf(record, from, options.data);
      const index = 'index' in control ? control.index : null;
      if (index === null ? isFrameAsked : isAsked(index)) yield { ...control, ...place };
      continue;
    }
    const index = from + at - entriesFrom;
    const entry = readEntryRecord(record);
    if (!isAsked(index)) continue;
    if (entry === null) yield { ...plainOf(record, options.data), ...place };
    else {
      const { termDistance, kind, data } = entry;
      const term = lowTerm + termDistance;
      const checksum = checksumText(record.checksum);
      yield {
        type: 'entry',
        index,
        term,
        kind,
        checksum,
        bytes: data.length,
        ...dataOf(data, options.data),
        ...place,
      };
    }
  }
}

interface DumpedControl {
  readonly type: string;
  readonly index?: number;
  readonly until?: number | 'unbounded';
  readonly values?: Readonly<Record<string, string | null>>;
}

function controlOf(record: RawRecord, from: number, form: DataForm): DumpedControl {
  const { kind, body } = record;
  switch (kind) {
    case RAFT_RECORD_KINDS.hardState: {
      const decoded = decodeHardState(body);
      if (decoded !== null) return { type: 'hard-state', ...decoded.hardState };
      break;
    }
    case RAFT_RECORD_KINDS.truncation:
      return { type: 'truncation', index: from };
    case RAFT_RECORD_KINDS.snapshot: {
      const decoded = decodeSnapshotName(body);
      if (decoded === null) break;
      const { index, term, checksum } = decoded.name;
      const named = { type: 'snapshot', index, term, checksum: checksumText(checksum) };
      return { ...named, ...(decoded.keepsLog ? {} : { replacesLog: true }) };
    }
    case RAFT_RECORD_KINDS.stable: {
      const change = decodeStable(body);
      if (change === null) break;
      return { type: 'stable', values: inHex(change) };
    }
    case RAFT_RECORD_KINDS.unfit: {
      const until = decodeUnfit(body);
      if (until !== null) return { type: 'unfit', until: until === Infinity ? 'unbounded' : until };
      break;
    }
    case RAFT_RECORD_KINDS.compaction: {
      const boundary = decodeBoundary(body);
      if (boundary !== null) return { type: 'compaction', ...boundary };
      break;
    }
  }
  return plainOf(record, form);
}

function plainOf({ kind, checksum, body }: RawRecord, form: DataForm): DumpedControl {
  const plain = { type: 'record', kind, checksum: checksumText(checksum), bytes: body.length };
  return { ...plain, ...dataOf(body, form) };
}

/** Bytes as the reader asked for them. */
export function dataOf(data: Uint8Array, form: DataForm): { readonly data?: string } {
  if (form === 'none') return {};
  return { data: Buffer.from(data.buffer, data.byteOffset, data.length).toString(form) };
}

/** Small values, or what changes of them. */
export function inHex(values: Iterable<readonly [string, Uint8Array | null]>): Record<string, string | null> {
  const shown = Array.from(values, ([key, value]) => [key, value && Buffer.from(value).toString('hex')]);
  return Object.fromEntries(shown) as Record<string, string | null>;
}
