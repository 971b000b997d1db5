export { CLUSTER_ORACLES, type ClusterOracle } from './cluster-finding.js';
export { CLUSTER_PLAN_VERSION, type ClusterPlan, parseClusterPlan } from './cluster-plan.js';
export { CLUSTER_BRANCHES, type ClusterBranch, type ClusterReach } from './cluster-reach.js';
export { drawClusterPlan } from './draw-cluster-plan.js';
export {
  type ClusterFailure,
  type ClusterRunOptions,
  type ClusterRunResult,
  type NodeTrace,
  runClusterPlan,
  runClusterSeed,
} from './run-cluster-plan.js';
