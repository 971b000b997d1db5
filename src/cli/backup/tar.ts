import type * as Tar from 'tar-stream';
import { systemCode } from '../../disk/index.js';
import { KeelsonError } from '../../errors/index.js';

/** The library that knows tar, which only backups need: loaded when one is made or read. */
export async function loadTar(): Promise<Pick<typeof Tar, 'pack' | 'extract'>> {
  try {
    return await import('tar-stream');
  } catch (error) {
    if (systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new KeelsonError(
      'KEELSON_READ_FAILED',
      'backups are read and written with the package tar-stream, which is not installed here. Nothing was made. Run: npm install tar-stream',
      { systemCode: 'ERR_MODULE_NOT_FOUND' },
      error,
    );
  }
}

/** The first file of a backup: what it is a backup of. */
export const TITLE_NAME = 'backup';
/** The last one: a line for each of the others, with its CRC-32 and its size. */
export const SUMS_NAME = 'sums';

/** What a backup says of itself. */
export interface BackupTitle {
  readonly keelson: 'backup';
  readonly version: 1;
  /** Null: it is a whole one. Else what came behind that LSN. */
  readonly since: number | null;
  readonly lastLsn: number;
  /** Of the store, as hex. */
  readonly lineage: string;
}

/** What a file of a backup is called in it: one that goes on where an earlier backup ended says from which byte. */
export function partName(name: string, from: number): string {
  return from === 0 ? name : `${name}+${from}`;
}

/** The file that a name in a backup is of, and from which byte on. */
export function partOf(name: string): { readonly name: string; readonly from: number } {
  const [, whole = name, from = '0'] = /^(.*)\+([1-9]\d{0,15})$/.exec(name) ?? [];
  return { name: whole, from: Number(from) };
}

/** A line of the sums. */
export function sumLine(name: string, sum: number, bytes: number): string {
  return `${sum.toString(16).padStart(8, '0')} ${bytes} ${name}\n`;
}
