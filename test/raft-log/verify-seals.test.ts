/**
 * A seal says what its segment held when it was sealed, and reads go by it: one that says something else must be told. A
 * seal is hurt at each byte, and forged under checksums that hold, and the store verified.
 */
import { expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import {
  decodeSealOffsets,
  decodeSealRuns,
  decodeSealSums,
  decodeSealTrailer,
  encodeSeal,
  SEAL_OFFSET_BYTES,
  SEAL_RUN_BYTES,
  SEAL_SUM_BYTES,
  SEAL_TRAILER_BYTES,
  sealBytesOf,
} from '../../src/format/seal.js';
import { segmentSalt } from '../../src/format/segment-header.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { entriesFrom } from './scratch-log.js';

const DIR = '/data/log';
const SEALED = `${DIR}/wal/0000000000000001.wal`;

async function sealedStore(): Promise<SimulatedDisk> {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, environment: disk.environment });
  await log.save({ hardState: { term: 1 } });
  for (let index = 1; index <= 12; index += 1) await log.append(entriesFrom(index, 1, 1, 500));
  await log.close();
  return disk;
}

async function blemishesOf(disk: SimulatedDisk): Promise<readonly string[]> {
  const report = await verifyStore({ environment: disk.environment, dir: DIR, walDir: null });
  expect(report.verdict).toBe('sound');
  return report.blemishes.map(({ path }) => path);
}

type SealIn = ReturnType<typeof sealIn>;

/** The seal of {@link SEALED}, and where it begins. */
function sealIn(disk: SimulatedDisk) {
  const bytes = disk.readVolatile(SEALED) ?? new Uint8Array();
  const salt = segmentSalt(bytes.subarray(32, 48));
  const trailerFrom = bytes.length - SEAL_TRAILER_BYTES;
  const trailer = decodeSealTrailer(bytes.subarray(trailerFrom), salt);
  if (trailer === null) throw new Error('the segment is not sealed');
  const from = bytes.length - sealBytesOf(trailer);
  const runsFrom = trailerFrom - trailer.runCount * SEAL_RUN_BYTES;
  const offsetsFrom = runsFrom - (trailer.until - trailer.lowest) * SEAL_OFFSET_BYTES;
  const sums = decodeSealSums(bytes.subarray(from, offsetsFrom), trailer, salt);
  const offsets = decodeSealOffsets(bytes.subarray(offsetsFrom, runsFrom), trailer, salt);
  const runs = decodeSealRuns(bytes.subarray(runsFrom, trailerFrom), trailer, salt);
  if (sums === null || offsets === null || runs === null) throw new Error('the seal is not whole');
  expect(offsetsFrom - from).toBe(sums.length * SEAL_SUM_BYTES);
  return { from, salt, seal: { ...trailer, provisional: null, sums, offsets, runs } };
}

test('a whole seal is no matter, one that is hurt at any byte is told', async () => {
  const disk = await sealedStore();
  expect(await blemishesOf(disk)).toEqual([]);
  const { from } = sealIn(disk);
  for (let at = from; at < 4096; at += 1) {
    const hurt = disk.fork();
    hurt.flipBit(SEALED, at, at % 8);
    expect(await blemishesOf(hurt), `byte ${at}`).toEqual([SEALED]);
  }
});

test.each<[string, (seal: SealIn['seal']) => Partial<SealIn['seal']>]>([
  ['sums of other entries', ({ sums }) => ({ sums: sums.map((sum) => sum + 1) })],
  ['places where other entries stand', ({ offsets }) => ({ offsets: offsets.toReversed() })],
  ['another term', ({ runs }) => ({ runs: runs.map((value, at) => value + (at % 2)) })],
  [
    'a change of terms that was none',
    ({ runs, lowest }) => ({ runs: Float64Array.of(...runs, lowest + 1, 9) }),
  ],
])('%s, under checksums that hold: told', async (_what, forge) => {
  const disk = await sealedStore();
  const { from, salt, seal } = sealIn(disk);
  const forged = encodeSeal({ ...seal, ...forge(seal) }, salt);
  disk.overwrite(SEALED, from - (forged.length - (4096 - from)), forged);
  expect(await blemishesOf(disk)).toEqual([SEALED]);
});
