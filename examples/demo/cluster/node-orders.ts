import type { NodeOptions } from '../../kv/node-options.js';

/** How a node lies, so that the demonstration can show that it would notice. */
export type ClusterSabotage = 'none' | 'ack-early' | 'vote-early';

/** What a node process is told, as JSON in its first argument. */
export interface NodeOrders {
  readonly options: NodeOptions;
  readonly sabotage: ClusterSabotage;
}
