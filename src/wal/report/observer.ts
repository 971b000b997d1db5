import type { KeelsonError } from '../../errors/index.js';

/** Who keeps segments that the log itself does not need any more, since when, and how much that is. */
export interface Holding {
  /** As messages name it: `'checkpoint'`. */
  readonly holder: string;
  /** For how long, in milliseconds. */
  readonly ageMs: number;
  /** The first segment that it keeps. */
  readonly fromSegment: number;
  /** Bytes of the segments from that one on which nothing but pins keeps. */
  readonly bytes: number;
}

/** What the wal tells the layer above, as it happens. Called inside the writer; must not throw. */
export interface WalObserver {
  onSync(event: {
    readonly lsn: number;
    readonly saves: number;
    readonly bytes: number;
    readonly ms: number;
  }): void;
  onRotate(event: { readonly path: string; readonly number: number; readonly recycled: boolean }): void;
  /** Saves were refused for want of room or of a descriptor; nothing of them exists, and `onSpaceBack` follows. */
  onShortage(error: KeelsonError): void;
  onSpaceBack(): void;
  /** An end mark could not be written; the next such is told once one has been. */
  onUnmarked(error: KeelsonError): void;
  onFailed(error: KeelsonError): void;
  /** A pin keeps more bytes than the log was told to say nothing of; told again each time they have doubled. */
  onPinned(holding: Holding): void;
}

/** Nobody listens to a log that does not count yet, or that is only read. */
export const UNHEARD: WalObserver = {
  onSync: () => undefined,
  onRotate: () => undefined,
  onShortage: () => undefined,
  onSpaceBack: () => undefined,
  onUnmarked: () => undefined,
  onFailed: () => undefined,
  onPinned: () => undefined,
};
