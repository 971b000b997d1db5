import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import {
  parseWalFileName,
  SUPERBLOCK_NAME,
  UNFINISHED_NAME,
  WAL_DIRECTORY_NAME,
} from '../../src/format/names.js';
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentHeaderBytes,
} from '../../src/format/segment-header.js';
import { decodeSuperblock, SUPERBLOCK_SLOT_BYTES, type Superblock } from '../../src/format/superblock.js';
import type { CallNotice } from '../disk/calls/calls-to-come.js';
import type { FileNode } from '../disk/image/file-node.js';
import type { FileSystem } from '../disk/image/file-system.js';
import { findNode } from '../disk/image/paths.js';
import type { PendingOperation } from '../disk/image/pending-operation.js';

/** Where the store is, and what it is doing. */
export interface OrderScene {
  readonly superblock: string;
  readonly walDir: string;
  readonly snapshots: string;
  readonly quarantine: string;
  /** An open or a repair is under way, or a log is open; what is being made has acknowledged nothing, and may go (R7). */
  readonly doing: 'making' | 'opening' | 'repairing' | 'writing';
  /** There may be no room for a copy, or one of its calls was made to fail: nothing relies on it. */
  readonly mayLackCopy: boolean;
  /** Others than the log itself may have its files open. */
  readonly isReadBeside: boolean;
}

/**
 * What must be on the platter before a call is made, by the disk's own record. A crash at the wrong moment shows the
 * same, but only if it falls there, and only if it leaves the one thing without the other. Null: nothing is too early.
 */
export function tooEarly(fs: FileSystem, call: CallNotice, scene: OrderScene): string | null {
  const isTakenAway = call.kind === 'unlink' || call.to?.startsWith(`${scene.quarantine}/`) === true;
  if (isTakenAway) return deletionTooEarly(fs, call, scene);
  if (call.kind === 'rename') return nameTooEarly(fs, call, scene) ?? reuseTooEarly(fs, call, scene);
  if (call.kind !== 'write') return null;
  if (call.path === scene.superblock) return slotTooEarly(fs, call, scene);
  if (!isOfSegment(fs, scene.walDir, call)) return null;
  return frameTooEarly(fs, call, scene) ?? cutTooEarly(fs, call, scene);
}

function isSegment(path: string, walDir: string): boolean {
  return path.startsWith(`${walDir}/`) && parseWalFileName(path.slice(walDir.length + 1)).kind === 'segment';
}

/** Whether a call is on a segment, by its name as of now; nearly always that by which it was opened. */
function isOfSegment(fs: FileSystem, walDir: string, { ino, path }: CallNotice): boolean {
  const directory = findNode(fs, walDir, 'open');
  if (directory?.kind !== 'directory') return false;
  const name = path.slice(walDir.length + 1);
  const isThere = directory.volatile.get(name) === ino && parseWalFileName(name).kind === 'segment';
  return isThere || segmentName(fs, walDir, ino) !== null;
}

/** The name that an inode has as a segment; null if it is none, or none any more. */
export function segmentName(fs: FileSystem, walDir: string, ino: number | null): string | null {
  const directory = findNode(fs, walDir, 'open');
  if (directory?.kind !== 'directory') return null;
  for (const [name, named] of directory.volatile)
    if (named === ino && parseWalFileName(name).kind === 'segment') return name;
  return null;
}

/** `superblock`, if the inode is that of the one in `dir`. */
export function superblockName(fs: FileSystem, dir: string, ino: number): string | null {
  return fileAt(fs, `${dir}/${SUPERBLOCK_NAME}`)?.ino === ino ? SUPERBLOCK_NAME : null;
}

/** D11: behind an open both slots say on the platter which epoch it has, where that begins, and of no clean end. Null: they do. */
export function forgettable(fs: FileSystem, superblock: string, epoch: number): string | null {
  const node = fileAt(fs, superblock);
  if (node === null) return 'there is no superblock';
  for (const at of [0, SUPERBLOCK_SLOT_BYTES]) {
    const slot = slotAt(node, at, 'durable');
    if (slot?.epoch === epoch && slot.fenceEpoch === epoch && !slot.isCleanEnd) continue;
    const end = slot?.isCleanEnd === true ? ', and ends cleanly' : '';
    return `on the platter the slot at ${at} says epoch ${slot?.epoch}, which begins with ${slot?.fenceEpoch}${end}, expected ${epoch}`;
  }
  return null;
}

function fileOf(fs: FileSystem, { ino }: CallNotice): FileNode | null {
  const node = ino === null ? undefined : fs.nodes.get(ino);
  return node?.kind === 'file' ? node : null;
}

function fileAt(fs: FileSystem, path: string): FileNode | null {
  const node = findNode(fs, path, 'open');
  return node?.kind === 'file' ? node : null;
}

/** D5: a slot is written over only while the one before it is whole and on the platter; D6: what it names is durable. */
function slotTooEarly(fs: FileSystem, call: CallNotice, scene: OrderScene): string | null {
  const node = fileAt(fs, call.path);
  const put = decodeSuperblock(call.bytes ?? new Uint8Array());
  if (node === null || put.kind !== 'valid') return null;
  const { generation, epoch, fenceEpoch } = put.superblock;
  // One that is written again at its own place says nothing new, nor one whose other slot says the same.
  const isBegun =
    scene.doing === 'opening' &&
    fenceEpoch === epoch &&
    slotAt(node, call.position, 'volatile')?.generation !== generation &&
    slotAt(node, SUPERBLOCK_SLOT_BYTES - call.position, 'volatile')?.fenceEpoch !== fenceEpoch;
  const unsynced = isBegun ? unsyncedIn(fs, scene, put.superblock) : null;
  if (unsynced !== null)
    return `the superblock says where epoch ${epoch} begins before ${unsynced} is synced`;
  const kept = slotAt(node, SUPERBLOCK_SLOT_BYTES - call.position, 'durable');
  // Nearly always, so that nothing else is looked at.
  if (kept?.generation === generation - 1) return namedTooEarly(fs, put.superblock, scene);
  const seen = slotAt(node, call.position, 'volatile');
  const other = slotAt(node, SUPERBLOCK_SLOT_BYTES - call.position, 'volatile');
  const isMadeNow = seen === null && other === null;
  // Written again at its own place, a slot takes nothing away.
  if (!isMadeNow && seen?.generation !== generation)
    return `generation ${generation} of the superblock is written, but on the platter the other slot is ${describe(kept)}, in the cache ${describe(other)}`;
  return namedTooEarly(fs, put.superblock, scene);
}

function slotAt(node: FileNode, at: number, image: 'volatile' | 'durable'): Superblock | null {
  const verdict = decodeSuperblock(node[image].slice(at, at + SUPERBLOCK_SLOT_BYTES));
  return verdict.kind === 'valid' ? verdict.superblock : null;
}

/** The whole slots of the superblock, as they are read. */
function slotsOf(fs: FileSystem, scene: OrderScene): Superblock[] {
  const node = fileAt(fs, scene.superblock);
  if (node === null) return [];
  return [0, SUPERBLOCK_SLOT_BYTES].flatMap((at) => slotAt(node, at, 'volatile') ?? []);
}

function describe(slot: Superblock | null): string {
  return slot === null ? 'not whole' : `of generation ${slot.generation}`;
}

/** A segment is named in the superblock once its own name, its header and its length are durable. */
function namedTooEarly(fs: FileSystem, superblock: Superblock, scene: OrderScene): string | null {
  if (!superblock.isLive) return null;
  const directory = findNode(fs, scene.walDir, 'open');
  for (const { add, isAddDurable } of fs.names.operations) {
    if (add === null || isAddDurable || add.directory !== directory) continue;
    const name = parseWalFileName(add.name);
    const isNamed =
      name.kind === 'segment' &&
      name.number >= superblock.firstSegment &&
      name.number <= superblock.newestSegment;
    if (isNamed) return `the superblock names segment ${add.name}, whose name is not durable`;
  }
  return null;
}

/** D3, D6: a prepared file becomes a segment when its header and its length are on the platter. */
function nameTooEarly(fs: FileSystem, { path, to }: CallNotice, { walDir }: OrderScene): string | null {
  if (to === null || !isSegment(to, walDir) || !path.endsWith('.spare')) return null;
  const node = fileAt(fs, path);
  if (node === null) return null;
  const headerBytes = segmentHeaderBytes(node.durable.slice(0, SEGMENT_HEADER_BYTES));
  const verdict = decodeSegmentHeader(node.durable.slice(0, headerBytes));
  if (verdict.kind !== 'valid') return `${path} gets the name of a segment before its header is durable`;
  const { number, segmentBytes } = verdict.header;
  const name = parseWalFileName(to.slice(walDir.length + 1));
  if (name.kind === 'segment' && name.number !== number)
    return `${path} gets the name ${to}, but its durable header is that of segment ${number}`;
  return node.firmSize < segmentBytes
    ? `${path} gets the name of a segment before its length is durable`
    : null;
}

/** D3, D10: the file of a segment that was dropped is used again once the log reads it no more. */
function reuseTooEarly(fs: FileSystem, { path, to }: CallNotice, scene: OrderScene): string | null {
  const name = parseWalFileName(path.slice(scene.walDir.length + 1));
  if (scene.isReadBeside || to?.endsWith('.spare') !== true || name.kind !== 'segment') return null;
  // One that a rotation takes back was never read.
  const wasDropped = slotsOf(fs, scene).some(({ firstSegment }) => name.number < firstSegment);
  const openCount = wasDropped ? (fileAt(fs, path)?.openCount ?? 0) : 0;
  return openCount === 0 ? null : `${path} is to be used again while it is open for ${openCount} readers`;
}

/** D3: a sync of a frame moves no size; D4: what a refused frame left is zeros again, durably, before the next. */
function frameTooEarly(fs: FileSystem, call: CallNotice, { doing }: OrderScene): string | null {
  const { path, position, length, bytes } = call;
  const node = fileOf(fs, call);
  if (node === null) return null;
  const where = `${position}..${position + length} of ${path}`;
  if (node.durable.size < position + length)
    return `a frame is written at ${where}, of which ${node.durable.size} bytes are durable`;
  if (doing !== 'writing' || bytes === null || isZeros(bytes)) return null;
  const zeros = node.pending.find((one) => one.bytes !== null && isZeros(writtenIn(one, one.bytes)));
  if (zeros === undefined) return null;
  return `a frame is written at ${where}, while the zeros at ${zeros.from}..${zeros.until} wait for a sync`;
}

/** Of the sectors of a pending write, what it wrote. */
function writtenIn({ from, until, position }: PendingOperation, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(from - position, until - position);
}

/** R4: the frames that an open cuts off are in quarantine first, if there is room. A seal that came to nothing is not. */
function cutTooEarly(fs: FileSystem, call: CallNotice, scene: OrderScene): string | null {
  const { path, position, bytes } = call;
  if (scene.doing !== 'opening' || scene.mayLackCopy || bytes === null || !isZeros(bytes)) return null;
  const node = fileOf(fs, call);
  if (node === null) return null;
  const there = trimmed(Buffer.from(node.volatile.slice(position, position + bytes.length)));
  if (!there.includes(Buffer.from(FRAME_MAGIC))) return null;
  const directory = findNode(fs, scene.quarantine, 'open');
  const copies = directory?.kind === 'directory' ? [...directory.volatile.values()] : [];
  const isCopied = copies.some((ino) => {
    const copy = fs.nodes.get(ino);
    return copy?.kind === 'file' && Buffer.from(copy.volatile.slice(0, copy.volatile.size)).includes(there);
  });
  return isCopied ? null : `${position}..${position + bytes.length} of ${path} is cut before it is copied`;
}

function isZeros(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Without zeros in front and behind. */
function trimmed(bytes: Buffer): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0);
  return from < 0
    ? bytes.subarray(0, 0)
    : bytes.subarray(from, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

/**
 * D5, R11: in a directory in the making nothing is written before the mark that says so is durable, nor in the one that its
 * segments have elsewhere.
 */
export function copyTooEarly(
  fs: FileSystem,
  { kind, path: written }: CallNotice,
  { dir, walDir }: { readonly dir: string; readonly walDir: string | null },
): string | null {
  if (kind !== 'write' || written.endsWith(`/${UNFINISHED_NAME}`)) return null;
  const path = walDir !== null && written.startsWith(`${walDir}/`) ? `${dir}/` : written;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const directory = findNode(fs, path.slice(0, end), 'open');
    const mark = directory?.kind === 'directory' ? directory.volatile.get(UNFINISHED_NAME) : undefined;
    if (directory?.kind !== 'directory' || mark === undefined) continue;
    if (directory.durable.get(UNFINISHED_NAME) === mark) return null;
    return `${written} is written before the name of ${UNFINISHED_NAME} above it is durable`;
  }
  return null;
}

/** R10: an open takes nothing away before the names that it read, the tail that it shows and where its epoch begins are durable. */
function deletionTooEarly(fs: FileSystem, { path }: CallNotice, scene: OrderScene): string | null {
  const isLive = path.startsWith(`${scene.snapshots}/`)
    ? path.endsWith('.snap')
    : isSegment(path, scene.walDir);
  if (scene.doing !== 'opening' || !isLive) return null;
  const epoch = slotsOf(fs, scene).reduce((most, slot) => Math.max(most, slot.epoch), 0);
  const isBegun = forgettable(fs, scene.superblock, epoch);
  if (isBegun !== null) return `${path} is taken away, but ${isBegun}`;
  const directory = findNode(fs, scene.walDir, 'open');
  const snapshots = findNode(fs, scene.snapshots, 'open');
  for (const { add, isAddDurable } of fs.names.operations) {
    if (add === null || isAddDurable || (add.directory !== directory && add.directory !== snapshots))
      continue;
    if (/\.(wal|snap)$/.test(add.name))
      return `${path} is taken away before the name of ${add.name} is durable`;
  }
  const unsynced = unsyncedIn(fs, scene);
  return unsynced === null ? null : `${path} is taken away before ${unsynced} is synced`;
}

const ALL_SEGMENTS = { firstSegment: 0, newestSegment: Infinity } as const;

/** A segment of which something waits for a sync; null if none does. */
function unsyncedIn(
  fs: FileSystem,
  scene: OrderScene,
  { firstSegment, newestSegment }: Pick<Superblock, 'firstSegment' | 'newestSegment'> = ALL_SEGMENTS,
): string | null {
  const directory = findNode(fs, scene.walDir, 'open');
  if (directory?.kind !== 'directory') return null;
  for (const [name, ino] of directory.volatile) {
    const node = fs.nodes.get(ino);
    const isUnsynced = node?.kind === 'file' && node.pending.length > 0;
    const parsed = parseWalFileName(name);
    if (!isUnsynced || parsed.kind !== 'segment') continue;
    if (parsed.number >= firstSegment && parsed.number <= newestSegment)
      return `${WAL_DIRECTORY_NAME}/${name}`;
  }
  return null;
}
