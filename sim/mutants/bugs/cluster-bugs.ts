import type { PlantedBug } from '../planted-bug.js';

const WAITS = 'the simulated cluster';

function waiting(number: number, name: string): PlantedBug {
  return { number, name, rule: 'Raft', hunks: [], waitsFor: WAITS };
}

/** Bugs of a Raft on top of the store. */
export const CLUSTER_BUGS: readonly PlantedBug[] = [
  waiting(32, 'vote sent before sync'),
  waiting(33, 'append acknowledged before sync'),
  waiting(34, 'leader counts itself before its own sync'),
  waiting(35, 'old AppendEntries cuts a matching suffix'),
  waiting(36, 'snapshot acknowledged before it is durable'),
  waiting(37, 'applied before committed'),
  waiting(38, 'a node that lost its tail keeps voting'),
  waiting(39, 'a node with a failed store goes on acknowledging from memory'),
];
