import type { RaftLog } from '../raft-log/contract.js';

/** What the store under test can do, and with which limits it is opened. Cases that need more are not registered. */
export interface ConformanceSupport {
  /** After `close`, `open` of the same name gives the same log. */
  readonly reopen: boolean;
  /** The log is opened with `checks: 'strict'`. Default true. */
  readonly interlocks?: boolean;
  /** The `batchBytesMax` that logs are opened with, if a save just above it may be tried. */
  readonly batchBytesMax?: number;
  /** The largest entry that is tried, in bytes. Default 100,000. */
  readonly entryBytesMax?: number;
}

/** How the properties are run; the defaults suit a store in memory. */
export interface ConformancePropertyOptions {
  /** Random sequences a property. Default 100. */
  readonly runs?: number;
  /** Steps a sequence at most. Default 30. */
  readonly stepsMax?: number;
  /** To replay a failure: the seed that it printed. */
  readonly seed?: number;
  /** The path that it printed with the seed. */
  readonly path?: string;
  /** The one command that replays a failure, printed with it. */
  readonly replayCommand?: (seed: number, path: string) => string;
}

/** What {@link testRaftLogConformance} needs to know of a store and of a test runner. */
export interface ConformanceHarness {
  /** Registers a test: `test` or `it` of any runner. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /**
   * Opens the log of this name, fresh if the name is new. Names are plain (`[a-z0-9-]`), each test's its own;
   * for a store on disk, make them directories under one of your own.
   */
  readonly open: (dir: string) => Promise<RaftLog>;
  /**
   * Crashes every log that is open: process killed or power cut, as you choose. Afterwards `open` must
   * recover; the logs that were open are never used again, and what they still promise is not awaited.
   */
  readonly crash?: () => Promise<void>;
  /** What the store can do. */
  readonly supports: ConformanceSupport;
  /** How the random sequences are run. */
  readonly property?: ConformancePropertyOptions;
}
