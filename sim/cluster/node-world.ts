import type { RaftLog } from '../../src/raft-log/contract.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { Message, Raft } from '../raft/index.js';
import type { EventQueue } from '../world/event-queue.js';
import type { RunWatch } from '../world/run-watch.js';
import type { Trace } from '../world/trace.js';
import type { ClusterPlan, CrashPlan } from './cluster-plan.js';
import type { ClusterReach } from './cluster-reach.js';
import type { Network } from './network.js';
import type { NodeCrashes } from './node-crashes.js';
import type { PromisedLog } from './promised-log.js';
import type { RaftRules } from './raft-rules.js';
import type { RegisterState } from './register-state.js';

/** What a node knows of the world that it lives in. */
export interface NodeWorld {
  readonly plan: ClusterPlan;
  readonly linesKept: number;
  readonly watch: RunWatch<SimulatedDisk> | null;
  readonly queue: EventQueue;
  readonly reach: ClusterReach;
  readonly rules: RaftRules;
  readonly network: Network;
  /** Gives the place of a node whose disk is gone to one of a new name. */
  readonly operator: { replace(node: { readonly id: string }, afterMs: number): void };
  crashes: number;
  readonly crashesDuring: { readonly doing: string; readonly crash: CrashPlan }[];
  /** When a node asked its leader for a read, by the node and its request. */
  readonly readsAsked: Map<string, number>;
  /** Keeps the first broken promise. */
  found(error: unknown): void;
}

/** What one life of a node knows of the node. */
export interface HostingNode {
  readonly id: string;
  readonly life: number;
  readonly clock: string;
  readonly trace: Trace;
  readonly isPaused: boolean;
  readonly promised: PromisedLog;
  readonly votesSent: Map<number, string>;
  readonly crashes: NodeCrashes;
  defer(work: () => void): void;
  /** The life that `host` drives has ended with `error`. */
  failed(host: { readonly isRunning: boolean }, error: unknown): void;
  judgeCause(error: unknown): void;
  traceMessage(verb: 'sends' | 'takes', message: Message): void;
}

/** What one life of a node is made of. */
export interface NodeHostParts {
  readonly world: NodeWorld;
  readonly node: HostingNode;
  readonly log: RaftLog;
  readonly raft: Raft;
  readonly state: RegisterState;
  /** Whether the process that this runs in still lives. */
  readonly isAlive: () => boolean;
}
