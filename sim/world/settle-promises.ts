/**
 * Resolves when every promise reaction that is ready, and every one that those make ready, has run.
 *
 * Node drains the whole queue of promise reactions before it looks at `process.nextTick` again, so a tick
 * asked for from inside a reaction comes after all of them. The promise awaited first makes sure that we
 * are inside one. No timer and no turn of the event loop is involved, so the order is the same on every run.
 */
export async function settlePromises(): Promise<void> {
  await READY;
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
}

/**
 * Calls `step` whenever {@link settlePromises} would have resolved, until it returns true. One promise a step, where a
 * loop that awaits makes five.
 */
export function eachTimeSettled(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const turn = (): void => {
      try {
        if (step()) resolve();
        else void READY.then(again);
      } catch (error) {
        reject(error);
      }
    };
    const again = (): void => {
      process.nextTick(turn);
    };
    void READY.then(again);
  });
}

const READY: Promise<void> = Promise.resolve();
