import { KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { repairStore, type RepairReport } from '../../src/raft-log/repair-store.js';
import { Fingerprint } from '../disk/image/fingerprint.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding } from '../oracle/finding.js';
import { lastIndexOf, type LogState, isSameStable } from '../oracle/log-state.js';
import { observeLog } from '../oracle/observe-log.js';
import { openOptions } from './open-options.js';
import type { Scene } from './scene.js';

/**
 * Repairs the damaged store of a scenario, which nothing has open. False if the repair failed as it may, and is to be
 * tried again; true if it is done, also if it said that it can do nothing.
 *
 * @param kept what stood in the store when the first try began, by {@link contentsOf}
 */
export async function repairDamaged(scene: Scene, kept: ReadonlyMap<number, string>): Promise<boolean> {
  const { faults, reach } = scene;
  faults.suffered.failures = 0;
  scene.doing = 'repairing';
  let report: RepairReport;
  try {
    report = await repairStore({
      environment: scene.process.environment,
      dir: scene.dir,
      walDir: scene.separateWalDir,
    });
  } catch (error) {
    const isDisk = error instanceof KeelsonError && error.family === 'environment';
    if (isDisk && faults.suffered.failures > 0) return false;
    // A sector that cannot be read may be one of the few without which there is nothing to go by.
    if (error instanceof KeelsonError && error.code === 'KEELSON_READ_FAILED') return true;
    throw new Finding({ oracle: 'repair', what: `${scene.by} failed: ${String(error)}`, cause: error });
  }
  scene.doing = 'opening';
  checkKept(scene, kept);
  faults.calm();
  if (report.action === 'none' || report.action === 'impossible') return true;
  if (report.action === 'rebuild-log') reach['log-rebuilt-by-repair'] += 1;
  await checkRepaired(scene);
  return true;
}

/** Hash of the bytes of each segment and snapshot of the store, with the path where it stood. */
export function contentsOf(disk: SimulatedDisk): ReadonlyMap<number, string> {
  const contents = new Map<number, string>();
  for (const path of disk.list()) {
    if (path.endsWith('.wal') || path.endsWith('.snap'))
      contents.set(hashOfFile(disk.readVolatile(path)), path);
  }
  return contents;
}

export function hashOfFile(bytes: Uint8Array | null): number {
  return new Fingerprint().addBytes(bytes ?? new Uint8Array()).value;
}

/** A repair deletes nothing: each file that was there still is, in its place or in quarantine. */
export function checkKept(scene: Scene, kept: ReadonlyMap<number, string>): void {
  const { disk } = scene;
  const now = new Set(disk.list().map((path) => hashOfFile(disk.readVolatile(path))));
  for (const [hash, path] of kept) {
    if (now.has(hash)) continue;
    throw new Finding({ oracle: 'repair', what: `${scene.by} has lost ${path}, which was to be set aside` });
  }
}

/** What a repair leaves opens, holds nothing that was never saved, and knows what it may have forgotten. */
async function checkRepaired(scene: Scene): Promise<void> {
  let log: RaftLog;
  let found: LogState;
  try {
    log = await openRaftLog({ ...openOptions(scene, scene.process), create: 'never', verifyOnOpen: 'all' });
    found = await observeLog(log);
  } catch (error) {
    if (error instanceof Finding) throw error;
    throw new Finding({
      oracle: 'repair',
      what: `what ${scene.by} left cannot be opened: ${String(error)}`,
      cause: error,
    });
  }
  const { allowed } = scene;
  const alien = found.entries.find((entry) => !allowed.wasIssued(entry));
  // Any of them may have been the one that was damaged.
  const forgotten = allowed.candidates().map(({ state }) => whatWasForgotten(state, found, log.unfitUntil));
  const wrong =
    alien === undefined
      ? forgotten.includes(null)
        ? null
        : (forgotten[0] ?? null)
      : `it holds entry ${alien.index} of term ${alien.term}, which was never saved so`;
  await log.close();
  if (wrong === null) return;
  throw new Finding({
    oracle: 'repair',
    what: `behind ${scene.by} ${wrong}`,
    expected: allowed.lines(),
    found: `${describeState(found)}, unfit until ${log.unfitUntil}`,
  });
}

/** Whether the log lacks what was promised without being unfit to vote; null if not. */
export function whatWasForgotten(promised: LogState, found: LogState, unfitUntil: number): string | null {
  const last = lastIndexOf(promised);
  const at = new Map(found.entries.map((entry) => [entry.index, entry.hash]));
  const covered = Math.max(found.boundary.index, found.snapshot?.index ?? 0);
  const lost = promised.entries.find(({ index, hash }) => index > covered && at.get(index) !== hash);
  if (lost !== undefined && unfitUntil < last) {
    return `entry ${lost.index} is gone, which was promised, and the log is fit to vote before it has ${last} again`;
  }
  const { term, vote } = promised.hardState;
  const { hardState } = found;
  if (unfitUntil > 0 && hardState.vote !== null)
    return `the log is unfit to vote, and has voted for ${hardState.vote}`;
  if (unfitUntil > 0 && unfitUntil !== Infinity && hardState.term <= term)
    return `the log is unfit to vote, and its term is ${hardState.term}, expected one above ${term}, in which it may have voted`;
  const isForgotten =
    hardState.term < term || (hardState.term === term && vote !== null && hardState.vote !== vote);
  if (isForgotten && unfitUntil !== Infinity) return `the vote of term ${term} is forgotten`;
  // A log stands above the term that it gave votes up in, also where its commit has reached all that it lacks.
  if (unfitUntil > 0 || hardState.term > term || isSameStable(promised.stable, found.stable)) return null;
  return 'small values are forgotten, and the log says that it has lost nothing';
}
