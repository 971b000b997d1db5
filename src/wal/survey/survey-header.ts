import { KeelsonError } from '../../errors/index.js';
import { identityText, sameBytes } from '../../format/identity.js';
import { FORMAT_VERSION, type SegmentHeaderVerdict } from '../../format/segment-header.js';
import type { Damage } from '../report/damage.js';

/** Why a file is not the segment that its name says it is. */
export type HeaderFault = Pick<Damage, 'code' | 'reason'>;

/** Null if the header is whole and that of segment `number` of the store; a store id that nobody knows is not compared. */
export function headerFault(
  verdict: Exclude<SegmentHeaderVerdict, { kind: 'other-version' }>,
  fileBytes: number,
  number: number,
  storeId: Uint8Array | null,
): HeaderFault | null {
  const corrupt = (reason: string): HeaderFault => ({ code: 'KEELSON_CORRUPT', reason });
  if (verdict.kind === 'invalid')
    return corrupt(`segment header checksum ${hex(verdict.found)}, expected ${hex(verdict.expected)}`);
  const { header } = verdict;
  if (storeId !== null && !sameBytes(header.storeId, storeId)) {
    const reason = `it belongs to store ${identityText(header.storeId)}, expected ${identityText(storeId)}`;
    return { code: 'KEELSON_MISSING_SEGMENT', reason };
  }
  if (header.number !== number) return corrupt(`it says it is segment ${header.number}, expected ${number}`);
  if (header.segmentBytes !== fileBytes)
    return corrupt(`the file is ${fileBytes} bytes long, expected ${header.segmentBytes}`);
  return null;
}

/** What is of another format is not damaged: the release that wrote it reads it. */
export function newerFormat(path: string, found: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_INCOMPATIBLE_FORMAT',
    `${path} is of format ${found}, this release reads format ${FORMAT_VERSION}. Nothing was changed. Open it with the release that wrote it, or a newer one.`,
    { path, found, expected: FORMAT_VERSION },
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
