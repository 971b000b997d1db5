import type { RunStory } from './run-story.js';

/** How ShiViz takes a line of the log apart; it stands first, and an empty line behind it. */
const PATTERN = '(?<host>\\S+) (?<clock>{.*})\\n(?<event>.*)';

/**
 * The run as text for ShiViz: each moment with a vector clock of its node, in which a message taken joins that of the
 * one who sent it.
 */
export function shivizText({ lanes, moments }: RunStory): string {
  const clocks = lanes.map(() => lanes.map(() => 0));
  const sent = new Map<number, readonly number[]>();
  const events = moments.map(({ lane, kind, since, text, ms }, at) => {
    const clock = clocks[lane] ?? [];
    clock[lane] = (clock[lane] ?? 0) + 1;
    const begun = kind === 'take' && since !== undefined ? sent.get(since) : undefined;
    begun?.forEach((count, other) => (clock[other] = Math.max(clock[other] ?? 0, count)));
    if (kind === 'send') sent.set(at, [...clock]);
    const known = clock.flatMap((count, other) =>
      count === 0 ? [] : [[lanes[other] ?? '', count] as const],
    );
    const event = `${kind} at ${String(ms)} ms: ${text}`.replace(/\s+/g, ' ');
    return `${lanes[lane] ?? ''} ${JSON.stringify(Object.fromEntries(known))}\n${event}`;
  });
  return `${PATTERN}\n\n${events.join('\n')}\n`;
}
