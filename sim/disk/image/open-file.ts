import type { DirectoryNode } from './directory-node.js';
import type { FileNode } from './file-node.js';

/** Who made a call, as far as the file system must know. */
export interface Caller {
  readonly id: number;
  /** It lost a lock while it lived: its writes land only where no successor has written. */
  hasLostLock: boolean;
}

/** An open file description: what a handle of the port stands for. */
export interface OpenFile {
  readonly path: string;
  readonly node: FileNode | DirectoryNode;
  readonly owner: Caller;
  readonly isWritable: boolean;
  readonly isDataSync: boolean;
  isClosed: boolean;
  /** Tells the process that holds it. */
  readonly onClosed: () => void;
}
