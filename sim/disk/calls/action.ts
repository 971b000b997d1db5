import type { Random } from '../../world/random.js';
import type { CallKind } from './call-kinds.js';
import type { FileSystem } from '../image/file-system.js';
import type { Caller } from '../image/open-file.js';

/**
 * One call of the disk port as the file system sees it: what it does when it succeeds, what it leaves when
 * it fails, and what it leaves when the world stops in the midst of it.
 */
export abstract class Action<T> {
  abstract readonly kind: CallKind;
  // Declared, not defined: V8 defines the fields of a class with this many subclasses slowly, which took a
  // sixth of the simulator's time.
  declare readonly path: string;
  /** Where in the file, and how many bytes; 0 where that means nothing. */
  declare readonly position: number;
  declare readonly length: number;
  /** The process that makes the call. */
  declare caller: Caller | null;

  constructor(path: string, position = 0, length = 0) {
    this.path = path;
    this.position = position;
    this.length = length;
    this.caller = null;
  }

  /** Whether {@link run} would change a byte, a size or a name, in the page cache or on the platter. */
  changes(_fs: FileSystem): boolean {
    return false;
  }

  /** Does all of it, or throws as the call fails by itself. */
  abstract run(fs: FileSystem): T;

  /**
   * What is left when the world stops half way; `fs` may be a copy of the disk that the call was made on.
   * Calls that change nothing leave nothing.
   */
  tear(_fs: FileSystem, _random: Random): void {
    // Nothing.
  }

  /** What a failure with an injected error leaves behind. */
  fail(_fs: FileSystem, _random: Random): void {
    // Nothing.
  }

  /** Does less than was asked, as a short read or write does. */
  runShort(fs: FileSystem, _random: Random): T {
    return this.run(fs);
  }

  /** The inode, of a call on an open file. */
  get ino(): number | null {
    return null;
  }

  /** The new name, of a rename or a link. */
  get to(): string | null {
    return null;
  }

  /** Bytes that the call carries to the disk, for the trace. */
  get bytes(): Uint8Array | null {
    return null;
  }
}
