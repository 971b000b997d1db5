import type { RaftLog } from '../../src/index.js';
import type { StrangerError } from './cluster/acquaintance.js';
import type { ExitError } from './exit.js';
import type { EngineStatus, PeerMessage } from './host/engine.js';

/** What it took to make a node that joined a voter. */
export interface Admission {
  /** Bytes of entries and snapshots that came from the leader. */
  readonly sentBytes: number;
  /** Bytes of those that its log held when it joined. */
  readonly broughtBytes: number;
}

/** What a node tells whoever runs it. */
export interface NodeWatcher {
  /** A new node waits for the others. */
  readonly waiting: (line: string) => void;
  /** A node that joined has become a voter. */
  readonly admitted: (admission: Admission) => void;
  /** The log is open; its report and its events are there to be seen. */
  readonly opened: (log: RaftLog) => void;
  /** After each round of the loop. */
  readonly turned: (status: EngineStatus) => void;
  /** A message leaves. */
  readonly sending: (message: PeerMessage) => void;
  /** A caller was turned away. */
  readonly strange: (error: StrangerError) => void;
  /** Another member will not have this node. */
  readonly refused: (error: ExitError) => void;
  /** The node goes on, but something did not work. */
  readonly troubled: (error: unknown) => void;
  /** The node takes no further part: its process shall stop and end with the error's code. */
  readonly failed: (error: ExitError) => void;
}
