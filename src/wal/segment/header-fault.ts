import { closeFile } from '../../disk/close-file.js';
import type { Disk } from '../../disk/port.js';
import { identityText, sameBytes } from '../../format/identity.js';
import type { SegmentHeader, SegmentHeaderVerdict } from '../../format/segment-header.js';
import type { Damage } from '../report/damage.js';
import { segmentPath } from './live-segment.js';
import { openIfThere, readSegmentHeader } from './read-segment.js';

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

/** The header of segment `number` of that store, by whatever name it has; null if none that is whole is there. */
export async function wholeHeaderOf(
  disk: Disk,
  walDir: string,
  number: number,
  storeId: Uint8Array | null,
): Promise<SegmentHeader | null> {
  const file = await openIfThere(disk, segmentPath(walDir, number));
  if (file === null) return null;
  try {
    const { verdict, fileBytes } = await readSegmentHeader(file);
    if (verdict.kind !== 'valid' || headerFault(verdict, fileBytes, number, storeId) !== null) return null;
    return verdict.header;
  } finally {
    await closeFile(file);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
