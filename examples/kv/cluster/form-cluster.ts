import { setTimeout as delay } from 'node:timers/promises';
import type { Acquaintance } from './acquaintance.js';

const PAUSE_MS = 100;

/** What became of a visit to another member. */
export type Visit =
  | { readonly kind: 'met' }
  /** It is not up yet, or not yet to be reached. */
  | { readonly kind: 'absent'; readonly why: string };

/** Visits all other members, again and again, until all know each other. Told what it waits for, when that changes. */
export async function formCluster(
  acquaintance: Acquaintance,
  visit: (memberId: string) => Promise<Visit>,
  signal: AbortSignal,
  onWaiting: (line: string) => void,
): Promise<void> {
  let said = '';
  while (!acquaintance.isAgreed) {
    const absent: string[] = [];
    for (const memberId of acquaintance.peers) {
      const visited = await visit(memberId);
      if (visited.kind === 'absent') absent.push(`${memberId} (${visited.why})`);
    }
    if (acquaintance.isAgreed) break;
    const waitsFor = absent.length > 0 ? absent.join(', ') : 'all members to have met each other';
    if (waitsFor !== said) onWaiting(`waiting for ${waitsFor}`);
    said = waitsFor;
    await delay(PAUSE_MS, undefined, { signal });
  }
}
