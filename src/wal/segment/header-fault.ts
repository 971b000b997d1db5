import type { Disk } from '../../disk/port.js';
import { checksumText } from '../../format/checksum.js';
import { identityText, sameBytes } from '../../format/identity.js';
import type { SegmentHeader, SegmentHeaderVerdict } from '../../format/segment-header.js';
import type { Damage } from '../report/damage.js';
import type { StorePaths } from '../store/store-directory.js';
import { headerAt } from './read-segment.js';

/** Why a file is not the segment that its name says it is. */
export type HeaderFault = Pick<Damage, 'code' | 'reason'>;

/** Null if the header is whole and that of segment `number` of the lineage; one that nobody knows is not compared. */
export function headerFault(
  verdict: Exclude<SegmentHeaderVerdict, { kind: 'other-version' }>,
  fileBytes: number,
  number: number,
  lineage: Uint8Array | null,
): HeaderFault | null {
  const corrupt = (reason: string): HeaderFault => ({ code: 'KEELSON_CORRUPT', reason });
  // Equal: what is there bears no header at all, or is too short for one.
  if (verdict.kind === 'invalid' && verdict.found === verdict.expected)
    return corrupt(`no segment header, in a file of ${fileBytes} bytes`);
  if (verdict.kind === 'invalid')
    return corrupt(
      `segment header checksum ${checksumText(verdict.found)}, expected ${checksumText(verdict.expected)}`,
    );
  const { header } = verdict;
  if (lineage !== null && !sameBytes(header.lineage, lineage)) {
    const reason = `it is of lineage ${identityText(header.lineage)}, expected ${identityText(lineage)}`;
    return { code: 'KEELSON_MISSING_SEGMENT', reason };
  }
  if (header.number !== number) return corrupt(`it says it is segment ${header.number}, expected ${number}`);
  if (header.segmentBytes !== fileBytes)
    return corrupt(`the file is ${fileBytes} bytes long, expected ${header.segmentBytes}`);
  return null;
}

/** The header of segment `number` of that lineage, by whatever name it has; null if none that is whole is there. */
export async function wholeHeaderOf(
  disk: Disk,
  paths: StorePaths,
  number: number,
  lineage: Uint8Array | null,
): Promise<SegmentHeader | null> {
  const head = await headerAt(disk, paths.segment(number));
  if (head?.verdict.kind !== 'valid') return null;
  const { verdict, fileBytes } = head;
  return headerFault(verdict, fileBytes, number, lineage) === null ? verdict.header : null;
}
