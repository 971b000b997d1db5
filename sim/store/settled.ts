/** Promises that are settled by now have told so: a few turns of the queue of reactions, and no virtual time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
}
