import type { Random } from '../../world/random.js';
import { Action } from './action.js';
import { failFileSync, landPartly } from '../harm/failed-sync.js';
import type { FileNode } from '../image/file-node.js';
import type { FileSystem } from '../image/file-system.js';
import type { OpenFile } from '../image/open-file.js';
import { fileOf } from './handle-actions.js';
import { diskError } from '../image/paths.js';
import { isStale, refuseStale } from '../harm/successor-fence.js';
import type { WrongPlace } from '../image/pending-operation.js';
import { syncFile, syncRange } from '../image/sync-file.js';

export class ReadAction extends Action<number> {
  readonly kind = 'read';
  readonly #file: OpenFile;
  readonly #into: Uint8Array;

  constructor(file: OpenFile, into: Uint8Array, position: number) {
    super(file.path, position, into.length);
    this.#file = file;
    this.#into = into;
  }

  run(fs: FileSystem): number {
    const node = fileOf(this.#file, 'read');
    const until = Math.min(this.position + this.#into.length, node.volatile.size);
    if (node.hasUnreadable(this.position, until, fs.profile.sectorBytes)) {
      fs.count('unreadable-sector-met');
      throw diskError('EIO', 'read', this.path);
    }
    return node.volatile.read(this.#into, this.position);
  }

  override runShort(fs: FileSystem, random: Random): number {
    const count = this.run(fs);
    // 0 would mean the end of the file: a short read brings at least one byte.
    const kept = count <= 1 ? count : 1 + random.below(count - 1);
    this.#into.fill(0, kept, count);
    return kept;
  }
}

export class WriteAction extends Action<number> {
  readonly kind = 'write';
  readonly #file: OpenFile;
  readonly #bytes: Uint8Array;
  /** Set to send the bytes astray when they land. */
  wrongPlace: WrongPlace | null = null;

  constructor(file: OpenFile, bytes: Uint8Array, position: number) {
    super(file.path, position, bytes.length);
    this.#file = file;
    this.#bytes = bytes;
  }

  /** The same call with bytes of its own, for a copy of the disk that outlives the caller's buffer. */
  copy(): WriteAction {
    return new WriteAction(this.#file, this.#bytes.slice(), this.position);
  }

  override get ino(): number {
    return this.#file.node.ino;
  }

  run(fs: FileSystem): number {
    return this.#write(fs, this.#bytes.length);
  }

  override runShort(fs: FileSystem, random: Random): number {
    const { length } = this.#bytes;
    return this.#write(fs, length <= 1 ? length : 1 + random.below(length - 1));
  }

  override changes(): boolean {
    return true;
  }

  override tear(fs: FileSystem, random: Random): void {
    this.#land(fs, random, 'write-half-done-by-crash');
  }

  override fail(fs: FileSystem, random: Random): void {
    this.#land(fs, random, null);
  }

  override get bytes(): Uint8Array {
    return this.#bytes;
  }

  #write(fs: FileSystem, wanted: number): number {
    const node = fileOf(this.#file, 'write');
    if (!this.#file.isWritable) throw diskError('EBADF', 'write', this.path);
    if (wanted === 0) return 0;
    const count = fs.roomFor(node, this.position, wanted);
    if (count === 0) {
      fs.count('no-space-natural');
      throw diskError('ENOSPC', 'write', this.path);
    }
    refuseStale(fs, this.#file, node, this.position, this.position + count, 'write');
    refusePartOfUnreadable(fs, node, this.position, this.position + count, this.path);
    const bytes = count === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, count);
    const { sectorBytes } = fs.profile;
    const operation = fs.changing(node, () =>
      node.write(bytes, this.position, fs.nextSequence(), sectorBytes, this.wrongPlace),
    );
    if (this.#file.isDataSync) syncRange(fs, node, operation);
    return count;
  }

  /** Any first part of the bytes, none and all included, is in the cache. */
  #land(fs: FileSystem, random: Random, reached: 'write-half-done-by-crash' | null): void {
    const node = fs.nodes.get(this.#file.node.ino);
    const drawn = random.chance(0.3)
      ? this.#bytes.length * random.below(2)
      : random.below(this.#bytes.length + 1);
    if (node?.kind !== 'file') return;
    const count = fs.roomFor(node, this.position, drawn);
    if (count === 0 || isStale(fs, this.#file, node, this.position, this.position + count)) return;
    if (reached !== null && count < this.#bytes.length) fs.count(reached);
    const bytes = this.#bytes.subarray(0, count);
    fs.changing(node, () => node.write(bytes, this.position, fs.nextSequence(), fs.profile.sectorBytes));
  }
}

export class TruncateAction extends Action<void> {
  readonly kind = 'truncate';
  readonly #file: OpenFile;

  constructor(file: OpenFile, size: number) {
    super(file.path, size);
    this.#file = file;
  }

  run(fs: FileSystem): void {
    const node = fileOf(this.#file, 'ftruncate');
    if (!this.#file.isWritable) throw diskError('EINVAL', 'ftruncate', this.path);
    const from = Math.min(this.position, node.volatile.size);
    refuseStale(fs, this.#file, node, from, Math.max(this.position, node.volatile.size), 'ftruncate');
    this.#apply(fs, node);
  }

  override changes(): boolean {
    return true;
  }

  override tear(fs: FileSystem, random: Random): void {
    const node = fs.nodes.get(this.#file.node.ino);
    if (node?.kind === 'file' && random.chance(0.5)) this.#apply(fs, node);
  }

  #apply(fs: FileSystem, node: FileNode): void {
    fs.changing(node, () => {
      node.truncate(this.position, fs.nextSequence());
    });
  }
}

/** fdatasync and fsync, which promise the same: the file's data and size. */
export class SyncAction extends Action<void> {
  readonly kind: 'dataSync' | 'sync';
  readonly #file: OpenFile;
  /** Changes made after the call was issued are not its promise. */
  readonly #until: number;

  constructor(kind: 'dataSync' | 'sync', file: OpenFile, until: number) {
    super(file.path);
    this.kind = kind;
    this.#file = file;
    this.#until = until;
  }

  override get ino(): number {
    return this.#file.node.ino;
  }

  run(fs: FileSystem): void {
    if (this.#file.isClosed) throw diskError('EBADF', this.#syscall, this.path);
    const { node } = this.#file;
    if (node.kind === 'directory') fs.names.syncDirectory(node, this.#until);
    else {
      if (node.mayDiffer) fs.count('sync-lied-after-failure');
      syncFile(fs, node, this.#until);
    }
  }

  override changes(fs: FileSystem): boolean {
    const { node } = this.#file;
    return node.kind === 'directory' ? fs.names.concerns(node) : node.pending.length > 0;
  }

  override tear(fs: FileSystem, random: Random): void {
    const node = fs.nodes.get(this.#file.node.ino);
    if (node?.kind !== 'file') return;
    fs.record.forgotten(
      node.ino,
      node.pending.map(({ from, until }) => ({ from, until, issuedAt: 0 })),
    );
    landPartly(fs, node, random);
  }

  override fail(fs: FileSystem, random: Random): void {
    const { node } = this.#file;
    if (node.kind !== 'file') return;
    fs.count('sync-failed');
    failFileSync(fs, node, this.#until, random);
  }

  get #syscall(): string {
    return this.kind === 'dataSync' ? 'fdatasync' : 'fsync';
  }
}

/** A write over part of a sector that cannot be read fails: the kernel must read the sector first. */
function refusePartOfUnreadable(
  fs: FileSystem,
  node: FileNode,
  from: number,
  until: number,
  path: string,
): void {
  const { sectorBytes } = fs.profile;
  const first = Math.floor(from / sectorBytes);
  const last = Math.floor((until - 1) / sectorBytes);
  const isHit =
    (from % sectorBytes !== 0 && node.unreadable.has(first)) ||
    (until % sectorBytes !== 0 && until < node.volatile.size && node.unreadable.has(last));
  if (!isHit) return;
  fs.count('unreadable-sector-met');
  throw diskError('EIO', 'write', path);
}
