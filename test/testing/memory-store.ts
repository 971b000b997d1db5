import type { RaftLog } from '../../src/raft-log/contract.js';
import { MemoryMedium } from '../../src/raft-log/memory/memory-frames.js';
import { openMemoryRaftLog, type MemoryRaftLogOptions } from '../../src/raft-log/memory/memory-raft-log.js';

/** Logs in memory that outlive their objects, by name: they can be reopened and crashed. */
export class MemoryStore {
  readonly media: Map<string, MemoryMedium> = new Map();
  readonly #options: MemoryRaftLogOptions;
  readonly #fresh: () => MemoryMedium;

  constructor(options: MemoryRaftLogOptions = {}, fresh: () => MemoryMedium = () => new MemoryMedium()) {
    this.#options = options;
    this.#fresh = fresh;
  }

  open(dir: string): Promise<RaftLog> {
    const medium = this.media.get(dir) ?? this.#fresh();
    this.media.set(dir, medium);
    return Promise.resolve(openMemoryRaftLog(this.#options, medium));
  }

  /** All owners are gone; what they had queued never lands. */
  crash(): Promise<void> {
    for (const medium of this.media.values()) medium.owner = null;
    return Promise.resolve();
  }
}
