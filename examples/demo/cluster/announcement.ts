import type { RecoveryReport } from '../../../src/index.js';
import type { Role } from '../../../sim/raft/index.js';

/** What a node of the demonstration tells it, one line of JSON each, on its standard output. */
export type Announcement =
  /** The log is open: what recovery found, and the hard state that it came back with. */
  | {
      readonly kind: 'opened';
      readonly verdict: RecoveryReport['verdict'];
      readonly cutBytes: number;
      readonly term: number;
      readonly vote: string | null;
    }
  | { readonly kind: 'taking-part' }
  | { readonly kind: 'role'; readonly role: Role; readonly term: number }
  /** Said just before the vote leaves, so after it was durable, if the node is honest. */
  | { readonly kind: 'vote'; readonly term: number; readonly candidate: string }
  | {
      readonly kind: 'snapshot';
      readonly index: number;
      readonly bytes: number;
      readonly isInstalled: boolean;
    }
  | { readonly kind: 'compacted'; readonly upTo: number }
  /** Durations of the syncs since the last such line, in milliseconds. */
  | { readonly kind: 'syncs'; readonly ms: readonly number[] }
  | { readonly kind: 'trouble'; readonly text: string }
  /** The node ends by itself. */
  | { readonly kind: 'ending'; readonly exitCode: number; readonly text: string };
