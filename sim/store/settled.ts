import type { Scene } from './scene.js';

/** Promises that are settled by now have told so: a few turns of the queue of reactions, and no virtual time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
}

/** Lets virtual time pass. Behind it, no line of code is about to run. */
export function pass({ disk }: Scene, ms: number): Promise<void> {
  return new Promise((resolve) => {
    disk.queue.after(ms, resolve);
  });
}
