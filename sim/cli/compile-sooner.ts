import { setFlagsFromString } from 'node:v8';

/** Majors of Node in which V8 has baseline code and its optimiser, and by default nothing between them. */
const WITHOUT_MIDDLE_TIER: ReadonlySet<string> = new Set(['22', '23']);

/**
 * Bids V8 compile as a search wants it: thousands of short runs of much code, of which each calls most functions a few
 * times, as its opens do. Of the whole process, its workers included; what a run does stays the same.
 */
export function compileSooner(): void {
  // Inlined as usual, so much is compiled that it takes more time than it saves.
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=150');
  const [major = ''] = process.versions.node.split('.');
  // By itself it waits for 3,000 calls of a function: of one that an open calls once, 150 scenarios.
  if (WITHOUT_MIDDLE_TIER.has(major)) setFlagsFromString('--invocation-count-for-turbofan=600');
}
