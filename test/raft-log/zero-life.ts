import { expect } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/environment.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { openWithFormats } from '../../src/raft-log/open-raft-log.js';
import { crashesOf, describing, runWhole, textOf, type Choose } from '../crash/crash-everywhere.js';
import { bytesOf, dataOf, entriesFrom } from './scratch-log.js';
import { VERSION_ZERO, writeZeroStore, type ZeroState, type ZeroStore } from './version-zero.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

/** In a quick run one in `portion`, another one for each seed. */
export function isTried(number: number, seed: number, portion: number): boolean {
  return IS_DEEP || (number + seed) % portion === 0;
}

export const DIR = '/data/log';
export const QUARANTINE = '/data/log/quarantine';

export const ZERO_STATE: ZeroState = {
  generation: 4,
  epoch: 7,
  first: 3,
  newest: 5,
  lastLsn: 41,
  hardState: { term: 3, vote: 'n2', commit: 12 },
  boundary: { index: 4, term: 1 },
  snapshot: { index: 6, term: 1 },
  unfitUntil: 0,
  isCleanEnd: true,
};

/** A store of version 0: entries 5..18 in segments 3..5, compacted up to 4, a snapshot at 6. */
export function zeroStore(changed: Partial<ZeroState> = {}): ZeroStore {
  return {
    entries: [...entriesFrom(5, 6, 1, 300), ...entriesFrom(11, 8, 3, 200)],
    perSegment: 5,
    snapshotData: dataOf(6, 1, 3000),
    state: { ...ZERO_STATE, ...changed },
  };
}

export function diskWith(
  store: ZeroStore,
  seed = 1,
  profile: Parameters<typeof createSimulatedDisk>[0]['profile'] = {},
): SimulatedDisk {
  const disk = createSimulatedDisk({ seed, profile, directories: ['/data'] });
  writeZeroStore(disk, DIR, store);
  return disk;
}

/** Opens it with version 0 in the table of formats. */
export async function openOlder(
  environment: Environment,
  more: Omit<RaftLogOptions, 'dir'> = {},
): Promise<RaftLog> {
  const options = { dir: DIR, segmentBytes: 4096, environment, ...more };
  return (await openWithFormats(options, [VERSION_ZERO])).log;
}

/** All files of the old store, to be found again in quarantine. */
export function oldFiles(disk: SimulatedDisk): ReadonlyMap<string, Uint8Array> {
  const paths = disk.list().filter((path) => path.endsWith('.wal') || path.endsWith('.snap'));
  return new Map(
    paths.map((path) => [path.slice(path.lastIndexOf('/') + 1), disk.readDurable(path) ?? new Uint8Array()]),
  );
}

/** Each of them lies in quarantine, durably, byte for byte, with a note unless a full disk had no room for that. */
export function expectSetAside(
  disk: SimulatedDisk,
  files: ReadonlyMap<string, Uint8Array>,
  hasNotes = true,
): void {
  for (const [name, bytes] of files) {
    expect(disk.readDurable(`${QUARANTINE}/${name}`), name).toEqual(bytes);
    if (hasNotes) expect(disk.readDurable(`${QUARANTINE}/${name}.txt`)?.length, name).toBeGreaterThan(20);
  }
}

/** The log holds what the store of version 0 held. */
export async function expectMigrated(
  log: RaftLog,
  { entries, state, snapshotData }: ZeroStore,
): Promise<void> {
  expect(log.hardState).toEqual(state.hardState);
  expect([log.firstIndex, log.lastIndex, log.term(4)]).toEqual([5, 18, 1]);
  expect(await log.entries(5, 19)).toEqual(entries.map((entry) => ({ kind: 0, ...entry })));
  expect(log.snapshot).toMatchObject({ index: 6, term: 1, conf: Uint8Array.of(1, 2), bytes: 3000 });
  const opened = await log.openSnapshot();
  expect(await bytesOf(opened?.data as AsyncIterable<Uint8Array>)).toEqual(snapshotData);
}

/** Opens what a crash left and holds it against what is allowed; the log is closed afterwards. */
export type Recovery = (environment: Environment, disk: SimulatedDisk) => Promise<void>;

/**
 * Stops the world at every call of `recover` that may change the disk, in ways that wander from call to call, and
 * recovers from each; from some of the stops, at calls inside that recovery again. What is left is recovered once more
 * after a power cut.
 */
export async function crashEverywhere(disk: SimulatedDisk, seed: number, recover: Recovery): Promise<number> {
  const crashes = await crashesIn(disk, recover, ({ call }, way) => isTried(way + call * 5, seed, 12));
  for (const [at, crashed] of crashes.entries())
    await describing(textOf(crashed.stop), async () => {
      if (isTried(at, seed, 24)) await crashAgain(crashed.disk, recover, at);
      await recoverTwice(crashed.disk, recover);
    });
  return crashes.length;
}

async function crashAgain(crashed: SimulatedDisk, recover: Recovery, seed: number): Promise<void> {
  const crashes = await crashesIn(crashed, recover, ({ call }, way) => isTried(way + call * 5, seed, 60));
  for (const { stop, disk } of crashes)
    await describing(`and then ${textOf(stop)}`, () => recoverTwice(disk, recover));
}

function crashesIn(
  disk: SimulatedDisk,
  recover: Recovery,
  choose: Choose,
): ReturnType<typeof crashesOf<null>> {
  const whole = disk.fork();
  return crashesOf(
    whole,
    (environment) => recover(environment, whole),
    choose,
    () => null,
  );
}

async function recoverTwice(disk: SimulatedDisk, recover: Recovery): Promise<void> {
  await runWhole(disk, (environment) => recover(environment, disk));
  disk.crash('power');
  await runWhole(disk, (environment) => recover(environment, disk));
}
