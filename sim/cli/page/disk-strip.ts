import type { SimulatedDisk } from '../../disk/simulated-disk.js';
import { framesIn } from '../../oracle/frame-census.js';

/** A frame in a segment: `[offset, bytes, from, until, term, where]`; where: 1 cache, 2 platter, 3 both. */
export type StripFrame = readonly [number, number, number, number, number, number];

/** A file at one moment, small enough to be kept for each of many. */
export interface FileStrip {
  /** Bytes in the page cache; null: the name is not there. */
  readonly cache: number | null;
  /** Bytes on the platter; null: a power cut may leave no such name. */
  readonly platter: number | null;
  /** A sign a sector, counted: `=12*3.4`. `.` zeros, `=` alike, `*` other in the cache, `+` in the cache alone, `-` on the platter alone. */
  readonly signs: string;
  readonly frames: readonly StripFrame[];
}

/** What cache and platter hold of a file; null if neither has the name. */
export function stripOf(disk: SimulatedDisk, path: string): FileStrip | null {
  const cache = disk.readVolatile(path);
  const platter = disk.readDurable(path);
  if (cache === null && platter === null) return null;
  return {
    cache: cache?.length ?? null,
    platter: platter?.length ?? null,
    signs: signsOf(cache ?? NOTHING, platter ?? NOTHING, disk.profile.sectorBytes),
    frames: path.endsWith('.wal') ? framesOf(cache ?? NOTHING, platter ?? NOTHING) : [],
  };
}

const NOTHING = new Uint8Array();

function signsOf(cache: Uint8Array, platter: Uint8Array, sectorBytes: number): string {
  const size = Math.max(cache.length, platter.length);
  let signs = '';
  let [last, count] = ['', 0];
  const flush = (): void => {
    if (count > 0) signs += `${last}${String(count)}`;
  };
  for (let at = 0; at < size; at += sectorBytes) {
    const sign = signOf(cache.subarray(at, at + sectorBytes), platter.subarray(at, at + sectorBytes));
    if (sign !== last) {
      flush();
      [last, count] = [sign, 0];
    }
    count += 1;
  }
  flush();
  return signs;
}

function signOf(cache: Uint8Array, platter: Uint8Array): string {
  const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
  if (isZero(cache)) return isZero(platter) ? '.' : '-';
  if (isZero(platter)) return '+';
  return Buffer.compare(cache, platter) === 0 ? '=' : '*';
}

/** The frames of both; one that stands in the same place in both once. */
function framesOf(cache: Uint8Array, platter: Uint8Array): readonly StripFrame[] {
  const found = new Map<string, [number, number, number, number, number, number]>();
  for (const [bytes, where] of [
    [cache, 1],
    [platter, 2],
  ] as const) {
    for (const { at, header } of framesIn(bytes)) {
      const key = `${String(at)} ${String(header.headerChecksum)}`;
      const known = found.get(key);
      const { from, until, lastTerm } = header;
      if (known !== undefined) known[5] |= where;
      else found.set(key, [at, header.headerBytes + header.payloadBytes, from, until, lastTerm, where]);
    }
  }
  return [...found.values()].sort((a, b) => a[0] - b[0]);
}
