/** What a cluster run can bring about. One that stays at zero over a deep run is a fault of the simulator. */
export const CLUSTER_BRANCHES = [
  // Raft.
  'elected',
  'leader-crashed',
  'leadership-transferred',
  'snapshot-sent',
  'snapshot-installed',
  'snapshot-created',
  'compacted',
  'configuration-changed',
  'learner-promoted',
  'leader-removed',
  // Crashes.
  'crash-in-open',
  'crash-in-install',
  'crash-in-snapshot',
  'crash-in-compaction',
  'crash-in-save',
  'all-crashed-at-once',
  'restarted',
  'unacknowledged-save-survived',
  'unacknowledged-save-lost',
  // Network and clocks.
  'message-dropped',
  'message-duplicated',
  'message-late',
  'message-cut-off',
  'message-overtaken',
  'message-of-earlier-life',
  'message-of-earlier-term',
  'link-cut-one-way',
  'paused',
  'clock-drifted',
  // Disks.
  'store-latched',
  'reopened-in-process',
  'save-refused-for-space',
  'space-back',
  'disk-stalled',
  'read-failed',
  'open-failed',
  'damage-named',
  'disk-lost',
  'tail-lost',
  'unfit-node-caught-up',
  'node-replaced',
  'loss-withheld',
  // Clients.
  'put-done',
  'put-lost',
  'put-unknown',
  'get-done',
  'history-judged',
  // The end.
  'converged',
  'converged-without-some',
  'served-on',
  'liveness-not-asked',
  'over-budget',
] as const;

/** One of {@link CLUSTER_BRANCHES}. */
export type ClusterBranch = (typeof CLUSTER_BRANCHES)[number];

/** How often each came about. */
export type ClusterReach = Record<ClusterBranch, number>;

export function newClusterReach(): ClusterReach {
  return Object.fromEntries(CLUSTER_BRANCHES.map((name) => [name, 0])) as ClusterReach;
}
