import type { Scribe } from './chronicle.js';

/** What is done with a log, up to its end. */
export type Lives = (scribe: Scribe) => Promise<void>;

/** Several segments, conflicts, snapshots, compaction, recycled segments; a clean end and an unclean one in between. */
async function richLives(scribe: Scribe): Promise<void> {
  await scribe.open();
  await scribe.save({ hardState: { term: 1, vote: 'n1' } });
  await scribe.append([20, 0, 300]);
  await scribe.append([700, 700]);
  await scribe.save({
    entries: scribe.entries([60, 10], 2, 4),
    hardState: { term: 2, vote: 'n2', commit: 3 },
  });
  await scribe.append([900]);
  await scribe.save({ truncateFrom: 6 });
  await scribe.append([800, 400]);
  await scribe.snapshot(5, 200);
  await scribe.append([1200, 3]);
  await scribe.compact(4);
  await scribe.append([1500]);
  await scribe.close();

  await scribe.open();
  await scribe.append([1100, 50]);
  await scribe.append([900]);
  await scribe.save({ hardState: { commit: 10 } });
  await scribe.snapshot(9, 350);
  await scribe.compact(8);
  await scribe.append([600, 600]);
  await scribe.append([1300]);
  scribe.kill();

  await scribe.open();
  await scribe.save({ hardState: { term: 3, vote: 'n3' } });
  await scribe.append([1000, 1]);
  await scribe.append([500]);
  await scribe.compact(9);
  await scribe.append([400, 700]);
  await scribe.snapshot(14, 150);
  await scribe.snapshot(16, 80);
  await scribe.compact(14);
  await scribe.idle();
  await scribe.append([30]);
  await scribe.append([0, 100]);
  await scribe.save({ hardState: { commit: scribe.newest.lastIndex - 1 } });
  await scribe.append([200]);
  await scribe.append([150, 90]);
}

/** One segment and no snapshot: nothing beside the superblock says that a log was here but the frames themselves. */
export async function shortLife(scribe: Scribe): Promise<void> {
  await scribe.open();
  await scribe.save({ hardState: { term: 1, vote: 'n1' } });
  await scribe.append([20, 0, 300]);
  await scribe.save({ hardState: { commit: 2 } });
  await scribe.append([40]);
}

/** A follower whose log a leader's snapshot replaced. */
async function installedLives(scribe: Scribe): Promise<void> {
  await scribe.open();
  await scribe.save({ hardState: { term: 1 } });
  await scribe.append([900, 900]);
  await scribe.append([1400]);
  await scribe.install(40, 1, 250);
  await scribe.close();
  await scribe.open();
  await scribe.append([700, 10]);
  await scribe.save({ hardState: { term: 4, vote: 'n2' } });
  await scribe.append([20]);
}

export const LIVES: Readonly<Record<string, Lives>> = {
  'several segments and snapshots': richLives,
  'one segment, no snapshot': shortLife,
  'replaced by a snapshot': installedLives,
};
