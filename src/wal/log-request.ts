import type { HeldEnvironment } from '../disk/held-disk.js';
import type { WalLayer } from './layer.js';
import type { StorePaths } from './store/store-directory.js';
import type { WalObserver } from './report/observer.js';

/** How to open; every field is resolved and checked by the layer above. */
export interface LogRequest {
  /** Its disk holds the names of this log, from the lock on. */
  readonly environment: HeldEnvironment;
  readonly paths: StorePaths;
  /** The segments may stand elsewhere than the superblock says: for a copy, which takes them from where they are. */
  readonly walDirMayDiffer?: boolean;
  readonly create: 'if-missing' | 'never';
  readonly segmentBytes: number;
  /** Zeros written to a new segment between two syncs; left out: what a log needs to keep up with its saves. */
  readonly zeroSyncBytes?: number | undefined;
  /** Largest frame payload, in bytes. */
  readonly frameBytesMax: number;
  readonly queueBytesMax: number;
  readonly writeMode: 'auto' | 'inline' | 'background';
  /** A pin that keeps more bytes is told of; left out: none is. */
  readonly pinnedBytesQuiet?: number;
  readonly readOnly: boolean;
  readonly verifyOnOpen: 'tail' | 'all';
  readonly layer: WalLayer;
  readonly observer: WalObserver;
  readonly signal: AbortSignal | undefined;
}
