import { setTimeout as delay } from 'node:timers/promises';
import type { CountingClient } from './counting-client.js';

/** What a member holds. */
export interface CounterState {
  readonly count: number;
  /** Steps that were acknowledged to a client, and were not there when its next one came. */
  readonly lost: number;
  readonly clients: Readonly<Record<string, number>>;
}

/** The states of all members, once they hold the same and nothing that was acknowledged can be under way still. */
export async function settled(
  urls: readonly string[],
  clients: readonly CountingClient[],
  deadlineMs: number,
): Promise<readonly CounterState[]> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const states = await Promise.all(urls.map(stateOf));
    const [one, ...others] = states.filter((state) => state !== null);
    const isSame = others.length === urls.length - 1 && others.every((other) => other.count === one?.count);
    const isWhole =
      isSame && clients.every(({ name, acknowledged }) => (one?.clients[name] ?? 0) >= acknowledged);
    if (one !== undefined && isWhole) return [one, ...others];
    if (performance.now() > endMs)
      throw new Error(`the members do not come to hold what was acknowledged: ${JSON.stringify(states)}`);
    await delay(50);
  }
}

async function stateOf(url: string): Promise<CounterState | null> {
  try {
    return (await (
      await fetch(`${url}/state`, { signal: AbortSignal.timeout(2000) })
    ).json()) as CounterState;
  } catch {
    return null;
  }
}

/** What is wrong with what the members hold. */
export function judge(
  states: readonly CounterState[],
  clients: readonly CountingClient[],
): readonly string[] {
  return states.flatMap(({ count, lost, clients: held }, at) => {
    const faults: string[] = [];
    const sum = Object.values(held).reduce((all, one) => all + one, 0);
    if (lost > 0) faults.push(`n${at + 1} lost ${lost} acknowledged steps`);
    if (sum !== count)
      faults.push(`n${at + 1} took ${count} steps, its clients ${sum}: some were taken twice`);
    for (const { name, acknowledged } of clients) {
      const found = held[name] ?? 0;
      if (found !== acknowledged && found !== acknowledged + 1)
        faults.push(`n${at + 1} is at step ${found} of ${name}, ${acknowledged} was acknowledged`);
    }
    return faults;
  });
}
