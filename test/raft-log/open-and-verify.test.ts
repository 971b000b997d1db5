/**
 * An open and a survey read the same bytes and must say the same of them: what stops a server, what verify names, and what
 * a repair mends. Stores are wounded at random in one or two places, and the three are held against each other.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError } from '../../src/errors/index.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import type { FoundDamage } from '../../src/raft-log/verify-report.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import type { RecoveryReport } from '../../src/wal/index.js';
import { DIR, filesOf, storeOf, type Life } from './wounded-store.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';

const LIVES: readonly Life[] = [
  { isClosed: true },
  { isClosed: false },
  { isClosed: false, hasSnapshot: true },
  { isClosed: true, hasSnapshot: true, isCompacted: true },
];

interface Wound {
  readonly how: 'flip' | 'zero' | 'copy' | 'remove';
  /** Which file, and where in it: between 0 and 1. */
  readonly file: number;
  readonly at: number;
  readonly from: number;
}

/** Spread evenly: fast-check's own numbers crowd at the ends. */
const fraction = fc.noBias(fc.integer({ min: 0, max: 99_999 })).map((number) => number / 100_000);
const wounds = fc.array(
  fc.record<Wound>({
    how: fc.constantFrom('flip', 'flip', 'zero', 'zero', 'copy', 'remove'),
    file: fraction,
    at: fraction,
    from: fraction,
  }),
  { minLength: 1, maxLength: 2 },
);

const sectorAt = (size: number, where: number): number => Math.floor((where * size) / 512) * 512;

function wound(disk: SimulatedDisk, { how, file, at, from }: Wound): void {
  const files = filesOf(disk);
  const path = files[Math.floor(file * files.length)] ?? '';
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  if (bytes.length === 0) return;
  const sector = sectorAt(bytes.length, at);
  if (how === 'flip') disk.flipBit(path, Math.floor(at * bytes.length), Math.floor(from * 8));
  else if (how === 'remove') disk.remove(path);
  else if (how === 'zero') disk.overwrite(path, sector, new Uint8Array(Math.min(512, bytes.length - sector)));
  else {
    const source = sectorAt(bytes.length, from);
    disk.overwrite(path, sector, bytes.slice(source, source + 512));
  }
}

/** What an open, or a verify, says stands in the way. */
type Told = Pick<FoundDamage, 'code' | 'path' | 'entries' | 'intact'>;

const placeOf = ({ code, path, entries, intact }: Told): Told => ({ code, path, entries, intact });

/** Null: it opens. */
async function refusalOf(disk: SimulatedDisk, verifyOnOpen: 'tail' | 'all'): Promise<Told | null> {
  const options = { dir: DIR, readOnly: true, verifyOnOpen, environment: disk.environment } as const;
  try {
    await (await openRaftLog(options)).close();
    return null;
  } catch (error) {
    if (!isKeelsonError(error)) throw error;
    const { code, details } = error;
    const { entries, intact } = (details.recovery as RecoveryReport | undefined)?.damage ?? {};
    return {
      code,
      path: details.path ?? '',
      entries: entries ?? { from: 0, until: 0 },
      intact: intact ?? [],
    };
  }
}

/** The entries that a server does not serve, asked one by one. */
async function unserved(disk: SimulatedDisk): Promise<readonly number[]> {
  const log = await openRaftLog({ dir: DIR, readOnly: true, environment: disk.environment });
  const lost: number[] = [];
  for (let index = log.firstIndex; index <= log.lastIndex; index += 1)
    await log.entries(index, index + 1).catch(() => lost.push(index));
  await log.close();
  return lost;
}

function named(damage: readonly FoundDamage[]): readonly number[] {
  return damage.flatMap(({ entries: { from, until } }) =>
    Array.from({ length: until - from }, (_, at) => from + at),
  );
}

/** Damage in the body of a snapshot, or in an older one, is for who reads it (R8). */
const isReadByOpen = ({ path, canOpen }: FoundDamage): boolean => !path.endsWith('.snap') || !canOpen;

test('an open is refused by what verify says stops one, and by nothing else; a repair mends it', async () => {
  const stores = await Promise.all(LIVES.map(storeOf));
  const said = { stopped: 0, opened: 0, repaired: 0 };
  const property = fc.asyncProperty(fc.nat(LIVES.length - 1), wounds, async (life, all) => {
    const disk = (stores[life] as SimulatedDisk).fork();
    for (const one of all) wound(disk, one);
    const verified = await verifyStore({ environment: disk.environment, dir: DIR, walDir: null }).catch(
      (error: unknown) => {
        if (!isKeelsonError(error)) throw error;
        return error.code;
      },
    );
    const [tail, whole] = [await refusalOf(disk, 'tail'), await refusalOf(disk, 'all')];
    if (typeof verified === 'string') {
      expect([tail?.code, whole?.code]).toEqual([verified, verified]);
      return;
    }
    const stops = verified.damage.filter(({ canOpen }) => !canOpen).map(placeOf);
    const read = verified.damage.filter(isReadByOpen).map(placeOf);
    if (tail === null) expect(stops).toEqual([]);
    else expect(stops).toContainEqual(tail);
    if (whole === null) expect(read).toEqual([]);
    else expect(read).toContainEqual(whole);
    said[tail === null ? 'opened' : 'stopped'] += 1;
    if (tail === null) expect(await unserved(disk)).toEqual(named(verified.damage));
    const { action } = await repairStore({ environment: disk.environment, dir: DIR, walDir: null });
    expect(action === 'none').toBe(verified.verdict === 'sound');
    if (action === 'none' || action === 'impossible') return;
    said.repaired += 1;
    expect(await refusalOf(disk, 'all')).toBe(null);
  });
  // A frame that was written in another's place, over the entries that the seal finds there.
  const misplaced: Wound = { how: 'copy', file: 0.34, at: 0.126, from: 0.376 };
  // An entry of the first segment, and a frame of the last behind which the log is begun anew.
  const farApart: Wound[] = [
    { how: 'flip', file: 0.34, at: 0.226, from: 0 },
    { how: 'flip', file: 0.84, at: 0.395, from: 0 },
  ];
  await fc.assert(property, {
    examples: [
      [0, [misplaced]],
      [0, farApart],
    ],
    numRuns: isDeep ? 20_000 : 100,
  });
  for (const count of Object.values(said)) expect(count).toBeGreaterThan(20);
});
