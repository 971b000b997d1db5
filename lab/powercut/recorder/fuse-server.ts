import { existsSync } from 'node:fs';
import { diskFiles } from '../disk/disk-files.js';
import { Errno, Opcode, SILENT } from '../fuse/opcodes.js';
import {
  answer,
  attributesBody,
  entryBody,
  failure,
  initBody,
  openBody,
  statfsBody,
  writtenBody,
  type Node,
} from '../fuse/reply.js';
import { lookupName, readRange, readRequest, writtenBytes, type FuseRequest } from '../fuse/request.js';
import { halfOf, RecordedDisk, type ServedDisk } from './recorded-disk.js';

/** Between the name of an image and which of its halves is meant. */
export const HALF = '+';

const ROOT: Node = { id: 1, isDirectory: true, size: 0 };

/** Answers the kernel's messages for a folder of recorded disks. Node ids are given in turn and never again. */
export class FuseServer {
  readonly #folder: string;
  readonly #recorded = new Map<string, RecordedDisk>();
  readonly #disks = new Map<number, ServedDisk>();
  readonly #ids = new Map<string, number>();
  #nextId = ROOT.id + 1;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The answer to one message, or null where none is expected. */
  answer(message: Buffer): Buffer | null {
    const request = readRequest(message);
    if (SILENT.has(request.opcode)) return null;
    return this.#answer(request) ?? failure(request.unique, Errno.noEntry);
  }

  close(): void {
    for (const disk of this.#recorded.values()) disk.close();
    this.#recorded.clear();
    this.#disks.clear();
  }

  #answer(request: FuseRequest): Buffer | undefined {
    const { opcode, unique, nodeId, body } = request;
    switch (opcode) {
      case Opcode.init:
        return answer(unique, initBody());
      case Opcode.lookup:
        return this.#lookup(unique, lookupName(body));
      case Opcode.getattr:
      case Opcode.setattr:
        return this.#attributes(unique, nodeId);
      case Opcode.open:
      case Opcode.opendir:
        return answer(unique, openBody(nodeId));
      case Opcode.statfs:
        return answer(unique, statfsBody());
      case Opcode.read:
      case Opcode.write:
      case Opcode.fsync:
        return this.#transfer(request);
      case Opcode.flush:
      case Opcode.release:
      case Opcode.releasedir:
      case Opcode.access:
      case Opcode.destroy:
        return answer(unique);
      default:
        // Holes cannot be punched either: the kernel then writes zeros, which are seen.
        return failure(unique, Errno.noSystemCall);
    }
  }

  #transfer({ opcode, unique, nodeId, body }: FuseRequest): Buffer | undefined {
    const disk = this.#disks.get(nodeId);
    if (disk === undefined) return undefined;
    if (opcode === Opcode.read) {
      const { position, length } = readRange(body);
      const bytes = Buffer.alloc(length);
      return answer(unique, bytes.subarray(0, disk.read(position, bytes)));
    }
    if (opcode === Opcode.fsync) return disk.flush() ? answer(unique) : failure(unique, Errno.io);
    const { position, bytes } = writtenBytes(body);
    return disk.write(position, bytes)
      ? answer(unique, writtenBody(bytes.length))
      : failure(unique, Errno.io);
  }

  #lookup(unique: bigint, name: string): Buffer | undefined {
    const id = this.#ids.get(name) ?? this.#takeIntoService(name);
    const disk = id === undefined ? undefined : this.#disks.get(id);
    if (id === undefined || disk === undefined) return undefined;
    return answer(unique, entryBody({ id, isDirectory: false, size: disk.size }));
  }

  #takeIntoService(name: string): number | undefined {
    this.#retire();
    const [whole = '', half] = name.split(HALF);
    const files = diskFiles(this.#folder, whole);
    if (!existsSync(files.image)) return undefined;
    const disk = this.#recorded.get(whole) ?? new RecordedDisk(files);
    this.#recorded.set(whole, disk);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#disks.set(id, half === undefined ? disk : halfOf(disk, half === '0' ? 0 : 1));
    this.#ids.set(name, id);
    return id;
  }

  /** Gives back what nobody can ask for any more: disks whose image was removed. */
  #retire(): void {
    for (const [name, id] of this.#ids) {
      const [whole = ''] = name.split(HALF);
      if (existsSync(diskFiles(this.#folder, whole).image)) continue;
      this.#recorded.get(whole)?.close();
      this.#recorded.delete(whole);
      this.#disks.delete(id);
      this.#ids.delete(name);
    }
  }

  #attributes(unique: bigint, nodeId: number): Buffer | undefined {
    if (nodeId === ROOT.id) return answer(unique, attributesBody(ROOT));
    const disk = this.#disks.get(nodeId);
    if (disk === undefined) return undefined;
    return answer(unique, attributesBody({ id: nodeId, isDirectory: false, size: disk.size }));
  }
}
