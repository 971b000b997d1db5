import { systemError, type SystemError } from '../../../src/disk/system-error.js';
import { hashOfText } from '../../world/random.js';
import type { DirectoryNode } from './directory-node.js';
import type { DiskNode, FileSystem } from './file-system.js';

/** Where a path leads: the directory that has or would have its last name, and what the name stands for. */
export interface Place {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: DiskNode | undefined;
}

const MESSAGES: Readonly<Record<string, string>> = {
  EBADF: 'bad file descriptor',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file already exists',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  EMFILE: 'too many open files',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EPERM: 'operation not permitted',
};

/**
 * A failure in the manner of `node:fs`. Its stack, which would name the simulator's own functions alone, is left out:
 * to walk it costs more than the call.
 */
export function diskError(code: string, syscall: string, path: string): SystemError {
  const { stackTraceLimit } = Error;
  const message = MESSAGES[code] ?? 'failed';
  // In a search none is kept anyway.
  if (stackTraceLimit === 0) return systemError(code, message, { syscall, path });
  Error.stackTraceLimit = 0;
  try {
    return systemError(code, message, { syscall, path });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The node that a path names; `ENOTDIR` if it leads through a file, undefined if there is no such name. */
export function findNode(fs: FileSystem, path: string, syscall: string): DiskNode | undefined {
  const names = namesOf(path);
  return walk(fs, names, names.length, path, syscall);
}

/** The node that the first `count` names lead to. */
function walk(
  fs: FileSystem,
  names: readonly string[],
  count: number,
  path: string,
  syscall: string,
): DiskNode | undefined {
  let node: DiskNode | undefined = fs.root;
  for (let at = 0; at < count; at++) {
    if (node === undefined) return undefined;
    if (node.kind !== 'directory') throw diskError('ENOTDIR', syscall, path);
    const ino: number | undefined = node.volatile.get(names[at] as string);
    node = ino === undefined ? undefined : fs.nodes.get(ino);
  }
  return node;
}

/** The place of a path's last name; `ENOENT` or `ENOTDIR` if its directory is not there. */
export function findPlace(fs: FileSystem, path: string, syscall: string): Place {
  const names = namesOf(path);
  const name = names[names.length - 1];
  if (name === undefined) throw diskError('EISDIR', syscall, path);
  const directory = walk(fs, names, names.length - 1, path, syscall);
  if (directory === undefined) throw diskError('ENOENT', syscall, path);
  if (directory.kind !== 'directory') throw diskError('ENOTDIR', syscall, path);
  const ino = directory.volatile.get(name);
  return { directory, name, node: ino === undefined ? undefined : fs.nodes.get(ino) };
}

/** As {@link findPlace}, and `ENOENT` if the name itself is not there. */
export function findNamed(
  fs: FileSystem,
  path: string,
  syscall: string,
): Place & { readonly node: DiskNode } {
  const place = findPlace(fs, path, syscall);
  if (place.node === undefined) throw diskError('ENOENT', syscall, path);
  return { ...place, node: place.node };
}

/** A path, taken apart once. */
interface ParsedPath {
  readonly names: readonly string[];
  readonly hash: number;
}

const PARSED_KEPT = 4096;
const parsed = new Map<string, ParsedPath>();
/** The path asked for last, since one call asks several times and the map must hash the text each time. */
let lastPath = '';
let lastParsed: ParsedPath = { names: [], hash: hashOfText('') };

/** The names of a path below the root, which is also where relative paths begin. */
export function namesOf(path: string): readonly string[] {
  return parse(path).names;
}

/** A hash of the path's text, as the trace folds it. */
export function hashOfPath(path: string): number {
  return parse(path).hash;
}

function parse(path: string): ParsedPath {
  if (path === lastPath) return lastParsed;
  const found = parsed.get(path) ?? takeApart(path);
  lastPath = path;
  lastParsed = found;
  return found;
}

function takeApart(path: string): ParsedPath {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  const found = { names, hash: hashOfText(path) };
  if (parsed.size >= PARSED_KEPT) parsed.clear();
  parsed.set(path, found);
  return found;
}
