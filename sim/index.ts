/**
 * `keelson/sim`: a disk in virtual time that crashes, tears, forgets and fails as real disks do, from one
 * seed. Usable under any store that takes the disk port of `keelson`. Beside it: plans that crash the real log, clusters
 * in one virtual world, and the reference Raft that runs in them.
 *
 * @module keelson/sim
 */
export {
  CALL_KINDS,
  type CallCounts,
  type CallKind,
  type CrashKind,
  type CrashPoint,
} from './disk/calls/call-kinds.js';
export type { CallNotice } from './disk/calls/calls-to-come.js';
export { type Counters, REACHED, type Reached } from './disk/calls/counters.js';
export { type Directive, FAULT_KINDS, type FaultKind } from './disk/harm/faults.js';
export type { DiskProfile } from './disk/harm/profile.js';
export type { RunOutcome } from './disk/calls/run-outcome.js';
export {
  createSimulatedDisk,
  type ForkOptions,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from './disk/simulated-disk.js';
export type { SimulatedProcess } from './disk/simulated-process.js';
export { drawPlan } from './plan/draw-plan.js';
export { type Oracle, ORACLES } from './oracle/finding.js';
export {
  parsePlan,
  type Plan,
  type PlanFault,
  type PlanOp,
  type PlanProfile,
  PLAN_VERSION,
} from './plan/plan.js';
export type { OnMet } from './plan/faults-to-come.js';
export { type Failure, runPlan, type RunOptions, type RunResult } from './plan/run-plan.js';
export { type Shrunk, shrinkPlan, type ShrinkOptions } from './plan/shrink-plan.js';
export { type Branch, BRANCHES, type Reach } from './store/reach.js';
export {
  CLUSTER_BRANCHES,
  CLUSTER_ORACLES,
  CLUSTER_PLAN_VERSION,
  type ClusterBranch,
  type ClusterFailure,
  type ClusterOracle,
  type ClusterPlan,
  type ClusterReach,
  type ClusterRunOptions,
  type ClusterRunResult,
  drawClusterPlan,
  type NodeTrace,
  parseClusterPlan,
  runClusterPlan,
  runClusterSeed,
} from './cluster/index.js';
export * from './raft/index.js';
export { EventQueue, type EventQueueOptions, SimulatedDeadlock } from './world/event-queue.js';
export { hashOfText, Random, seedOf, subSeed } from './world/random.js';
export { Sometimes } from './world/sometimes.js';
export type { Happening, HappeningKind, OnHappening, RunWatch } from './world/run-watch.js';
export { Trace, type TraceOptions } from './world/trace.js';
