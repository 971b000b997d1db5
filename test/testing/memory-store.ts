import type { RaftLog } from '../../src/raft-log/contract.js';
import type { MemoryMedium } from '../../src/raft-log/memory/memory-queue.js';
import {
  createMemoryMedium,
  openMemoryRaftLog,
  type MemoryRaftLogOptions,
} from '../../src/raft-log/memory/memory-raft-log.js';
import { MemoryState } from '../../src/raft-log/memory/memory-state.js';

/** Logs in memory that outlive their objects, by name: they can be reopened and crashed. */
export class MemoryStore {
  readonly media: Map<string, MemoryMedium> = new Map();
  readonly #options: MemoryRaftLogOptions;
  readonly #freshState: () => MemoryState;

  constructor(options: MemoryRaftLogOptions = {}, freshState: () => MemoryState = () => new MemoryState()) {
    this.#options = options;
    this.#freshState = freshState;
  }

  open(dir: string): Promise<RaftLog> {
    let medium = this.media.get(dir);
    if (medium === undefined) {
      medium = createMemoryMedium(this.#freshState());
      this.media.set(dir, medium);
    }
    return Promise.resolve(openMemoryRaftLog(this.#options, medium));
  }

  /** All owners are gone; what they had queued never lands. */
  crash(): Promise<void> {
    for (const medium of this.media.values()) {
      medium.owner = null;
      // The dead log still shows its own state; whoever opens next has another.
      medium.state = medium.state.clone();
    }
    return Promise.resolve();
  }
}
