import { checksum } from './checksum.js';
import { IDENTITY_BYTES, identityText } from './identity.js';
import { isCount } from './integers.js';
import { LIMITS } from './limits.js';
import type { DurableMark } from './position.js';

/**
 * The file that makes a directory a checkpoint: what it holds, and all that a log needs to begin there. Three lines of
 * text, so that a person and a script can read it too: what it is and of which version, one object of JSON, and the
 * CRC-32 of both lines in hex, under which alone the version is believed.
 */

/** Version of this file's form. */
export const CHECKPOINT_VERSION = 1;

/** Longest file that is read: more segments than a store ever has live. */
export const CHECKPOINT_BYTES_MAX: number = 64 * 1024 * 1024;

const MAGIC = 'keelson-checkpoint';

/** `'all'`: the snapshot covers every entry, and no segment is named. `'durable'`: segments must be replayed behind it. */
export type CheckpointScope = 'all' | 'durable';

/** A segment that a checkpoint holds, in its directory `wal`. */
export interface CheckpointSegment {
  readonly number: number;
  /** As in its own header. */
  readonly identity: Uint8Array;
  readonly firstLsn: number;
  /** How much of it was copied; the rest of the file is a hole. */
  readonly bytes: number;
}

/** What a checkpoint says of itself. */
export interface CheckpointFile {
  readonly scope: CheckpointScope;
  readonly lineage: Uint8Array;
  /** What the layer above knows at that end, as the preamble of a segment carries it. */
  readonly state: Uint8Array;
  /** End of the log that it holds: the LSN that it was taken at, with its index and term. */
  readonly proven: DurableMark;
  /** LSN after which segments must be replayed. */
  readonly replayAfter: number;
  /** The highest that the source had used: a clone begins above. */
  readonly highest: { readonly epoch: number; readonly segment: number };
  /** Where the source's last epoch began (D11). */
  readonly fence: { readonly epoch: number; readonly lsn: number };
  /** Size that the source's segments have. */
  readonly segmentBytes: number;
  /** In order, without a gap. */
  readonly segments: readonly CheckpointSegment[];
}

/** What bytes read as a checkpoint's file turned out to be. */
export type CheckpointVerdict =
  | { readonly kind: 'valid'; readonly file: CheckpointFile }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'invalid'; readonly reason: string };

const encoder = new TextEncoder();

/** The file as bytes. */
export function encodeCheckpointFile(file: CheckpointFile): Uint8Array {
  const { lineage, state, segments, ...rest } = file;
  const body = {
    ...rest,
    lineage: identityText(lineage),
    state: identityText(state),
    segments: segments.map((segment) => ({ ...segment, identity: identityText(segment.identity) })),
  };
  const text = `${MAGIC} ${CHECKPOINT_VERSION}\n${JSON.stringify(body)}\n`;
  return encoder.encode(`${text}${sumOf(text)}\n`);
}

function sumOf(text: string): string {
  return checksum(encoder.encode(text)).toString(16).padStart(8, '0');
}

/** Judges a whole file. */
export function decodeCheckpointFile(bytes: Uint8Array): CheckpointVerdict {
  const text = new TextDecoder().decode(bytes);
  const [title = '', body = '', sum = '', rest] = text.split('\n');
  const expected = sumOf(`${title}\n${body}\n`);
  if (sum !== expected || rest !== '')
    return invalid(`its checksum is ${sum.slice(0, 16)}, expected ${expected}`);
  const [magic, version] = title.split(' ');
  if (magic !== MAGIC) return invalid(`it begins with '${title.slice(0, 40)}', expected '${MAGIC}'`);
  if (Number(version) !== CHECKPOINT_VERSION) return { kind: 'other-version', version: Number(version) };
  try {
    const file = fileOf(JSON.parse(body) as Fields);
    return isWithinLimits(file) ? { kind: 'valid', file } : invalid('a number in it is beyond its limit');
  } catch (error) {
    return invalid(error instanceof Error ? error.message : String(error));
  }
}

function invalid(reason: string): CheckpointVerdict {
  return { kind: 'invalid', reason };
}

/** The file as JSON has it: bytes as hex. */
type Fields = Omit<CheckpointFile, 'lineage' | 'state' | 'segments'> & {
  readonly lineage: string;
  readonly state: string;
  readonly segments: readonly (Omit<CheckpointSegment, 'identity'> & { readonly identity: string })[];
};

function fileOf({ lineage, state, segments, ...rest }: Fields): CheckpointFile {
  return {
    ...rest,
    lineage: identityOf(lineage),
    state: bytesOf(state),
    segments: segments.map((segment) => ({ ...segment, identity: identityOf(segment.identity) })),
  };
}

function identityOf(hex: string): Uint8Array {
  const bytes = bytesOf(hex);
  if (bytes.length !== IDENTITY_BYTES) throw new RangeError(`an identity in it has ${bytes.length} bytes`);
  return bytes;
}

function bytesOf(hex: string): Uint8Array {
  const bytes = Uint8Array.from({ length: hex.length / 2 }, (_, at) =>
    parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
  if (identityText(bytes) !== hex) throw new RangeError(`'${hex.slice(0, 40)}' in it is no hex`);
  return bytes;
}

function isWithinLimits(file: CheckpointFile): boolean {
  const { scope, proven, replayAfter, highest, fence, segmentBytes, segments } = file;
  const counts = [proven.lsn, proven.lastIndex, proven.lastTerm, replayAfter];
  const more = [highest.epoch, highest.segment, fence.epoch, fence.lsn];
  return (
    (scope === 'all' || scope === 'durable') &&
    [...counts, ...more].every(isCount) &&
    isSegmentSize(segmentBytes) &&
    segments.every(
      ({ number, firstLsn, bytes }, at) =>
        isCount(number) && isCount(firstLsn) && isCount(bytes) && number === (segments[0]?.number ?? 0) + at,
    ) &&
    (segments.length === 0) === (scope === 'all')
  );
}

function isSegmentSize(bytes: number): boolean {
  return isCount(bytes) && bytes >= LIMITS.segmentBytesMin && bytes <= LIMITS.segmentBytesMax;
}
