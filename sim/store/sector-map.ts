import type { SimulatedDisk } from '../disk/simulated-disk.js';

/** Sectors in one line of a map. */
const LINE = 64;

/**
 * Each file with a sign for each sector: `.` zeros, `=` on the platter as in the cache, `*` in the cache alone or
 * otherwise, `-` on the platter alone, `!` unreadable. `~` behind a name says that the name is not durable.
 */
export function sectorMap(disk: SimulatedDisk): string {
  const durable = new Set(disk.listDurable());
  const paths = [...new Set([...disk.list(), ...durable])].sort();
  return paths.map((path) => mapOf(disk, path, durable.has(path))).join('\n');
}

function mapOf(disk: SimulatedDisk, path: string, isDurable: boolean): string {
  const cache = disk.readVolatile(path);
  const platter = disk.readDurable(path);
  const { sectorBytes } = disk.profile;
  const size = Math.max(cache?.length ?? 0, platter?.length ?? 0);
  let signs = '';
  for (let at = 0; at < size; at += sectorBytes) signs += signOf(cache, platter, at, at + sectorBytes);
  const sizes = `${cache?.length ?? 'none'} in the cache, ${platter?.length ?? 'none'} on the platter`;
  const lines = signs.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return [`${path}${isDurable ? '' : ' ~'} (${sizes})`, ...lines.map((line) => `  ${line}`)].join('\n');
}

function signOf(cache: Uint8Array | null, platter: Uint8Array | null, from: number, until: number): string {
  const above = (cache ?? new Uint8Array()).subarray(from, until);
  const below = (platter ?? new Uint8Array()).subarray(from, until);
  const hasAbove = above.some((byte) => byte !== 0);
  const hasBelow = below.some((byte) => byte !== 0);
  if (!hasAbove && !hasBelow) return '.';
  if (Buffer.compare(above, below) === 0) return '=';
  return hasAbove || cache !== null ? '*' : '-';
}
