import { Finding } from '../oracle/finding.js';
import { observeOpened } from '../oracle/observe-log.js';
import { tryRead } from './read-ops.js';
import type { Scene } from './scene.js';

/**
 * Runs `perform` with the oldest snapshot of those kept open, which is read behind it: what a reader holds open stays
 * readable, also where a newer one took its place meanwhile (D10).
 */
export async function holdingOldest(scene: Scene, perform: () => Promise<void>): Promise<void> {
  const log = scene.openLog;
  const oldest = log.snapshots.at(-1);
  const held =
    oldest === undefined ? null : await tryRead(scene, () => log.openSnapshot({ index: oldest.index }));
  await perform();
  if (held === null) return;
  const isGone = log.snapshots.every(({ index }) => index !== held.meta.index);
  const snapshot = await tryRead(scene, () => observeOpened(held));
  if (snapshot === null) return;
  if (isGone) scene.reach['snapshot-read-after-retention'] += 1;
  if (scene.isOverBudget || scene.allowed.wasTaken(snapshot)) return;
  const what = `${scene.by} read a snapshot at ${snapshot.index} that was opened before, and it is none that was taken`;
  throw new Finding({ oracle: 'read', what });
}
