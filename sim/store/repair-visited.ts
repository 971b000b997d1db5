import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding } from '../oracle/finding.js';
import { observeLog } from '../oracle/observe-log.js';
import type { Random } from '../world/random.js';
import { hurtStore, type Hurt } from './hurt-store.js';
import { openOptions } from './open-options.js';
import { whatWasForgotten } from './repair-damaged.js';
import type { Scene } from './scene.js';
import { VisitBeforeLock } from './visit-before-lock.js';

/** Copies that are tried for one whose damage an open does not meet. */
const COPIES_MAX = 3;

/**
 * A server opens a damaged store between the look of a repair and its lock: behind the repair all is there that it was
 * promised, or the log is unfit to vote, and of an epoch above its own.
 */
export async function repairVisited(scene: Scene, copy: () => SimulatedDisk, random: Random): Promise<void> {
  const found = hurtBehindSeal(scene, copy, random);
  if (found === null) return;
  const { disk, path } = found;
  const failed = (what: string, shown = ''): Finding => {
    const expected = scene.allowed.lines();
    return new Finding({
      oracle: 'repair',
      what: `in a copy at ${scene.by} ${what}`,
      expected,
      found: shown,
    });
  };
  const visiting = new VisitBeforeLock(scene, disk, random);
  const { dir, separateWalDir: walDir } = scene;
  const { action, why } = await repairStore({ environment: visiting.environment, dir, walDir });
  const { visit } = visiting;
  if (visit === null) return;
  scene.reach['visited-before-repair'] += 1;
  if (action === 'impossible') throw failed(`${path} was hurt, and a repair does nothing: ${why}`);
  const log = await openRaftLog({
    ...openOptions(scene, disk.process),
    create: 'never',
    verifyOnOpen: 'all',
  });
  const shown = await observeLog(log);
  const { unfitUntil, recovery } = log;
  await log.close();
  // D11: whatever bytes of it are left, none is of the run that goes on. What the server had no need of it may have cleared away.
  if (action !== 'none' && recovery.epoch <= visit.epoch + 1)
    throw failed(
      `a repair began epoch ${recovery.epoch - 1}, and a server had opened epoch ${visit.epoch} before it took the lock`,
    );
  const alien = shown.entries.find((entry) => !scene.allowed.wasIssued(entry));
  const wrong =
    alien === undefined
      ? whatWasForgotten(visit.state, shown, unfitUntil)
      : `it holds entry ${alien.index} of term ${alien.term}, which was never saved so`;
  if (wrong !== null) throw failed(`behind a repair that was visited ${wrong}`, describeState(shown));
}

/** A copy with a bit flipped in a sealed segment; null if none of a few is hurt there. */
function hurtBehindSeal(
  scene: Scene,
  copy: () => SimulatedDisk,
  random: Random,
): (Hurt & { readonly disk: SimulatedDisk }) | null {
  for (let at = 0; at < COPIES_MAX; at++) {
    const disk = copy();
    const hurt = hurtStore('frame', scene, disk, random);
    if (hurt === null) return null;
    const segments = disk
      .list()
      .filter((path) => path.startsWith(`${scene.walDir}/`) && path.endsWith('.wal'));
    if (hurt.path !== segments.sort().at(-1)) return { ...hurt, disk };
  }
  return null;
}
