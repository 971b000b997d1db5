/** The inode of a directory: its names as they are read, and as they survive a power cut. */
export class DirectoryNode {
  readonly kind = 'directory';
  readonly ino: number;
  volatile: Map<string, number> = new Map<string, number>();
  durable: Map<string, number> = new Map<string, number>();
  /** After a failed sync the names that are read may differ from the durable ones with nothing pending. */
  mayDiffer = false;

  constructor(ino: number) {
    this.ino = ino;
  }

  clone(): DirectoryNode {
    const copy = new DirectoryNode(this.ino);
    copy.volatile = new Map(this.volatile);
    copy.durable = new Map(this.durable);
    copy.mayDiffer = this.mayDiffer;
    return copy;
  }
}
