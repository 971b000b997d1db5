import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, ExitError } from '../exit.js';

/** Who a node is, and whom it knows. Written once by `--init`, then only added to. */
export interface Member {
  readonly clusterId: string;
  readonly memberId: string;
  /** Random, made with the folder: a folder that was deleted and made again is another store under the same name. */
  readonly identity: string;
  /** All members' addresses, this one's included, by member id. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Those that the cluster began with; the configuration of a log that names none. */
  readonly founders: readonly string[];
  /** Identity of each member's store, by member id, as it was when they first met. Never changed, only added to. */
  readonly known: Readonly<Record<string, string>>;
  /** Identity of the log of each member that spoke, this one's own included, by member id. */
  readonly logs: Readonly<Record<string, string>>;
  /** All members know each other by the same identities; from here on this node takes part. */
  readonly isFormed: boolean;
}

const FILE_NAME = 'member.json';
/** What a crash leaves of the first writing: a node that never ran. */
const DRAFT_NAME = `${FILE_NAME}.draft`;
const FORMAT = 1;

/** Path of the log in a node's folder. */
export function logPath(folder: string): string {
  return join(folder, 'log');
}

/** Path of a snapshot that is coming in. */
export function incomingPath(folder: string): string {
  return join(folder, 'incoming-snapshot');
}

/** Makes a node's folder. One that holds anything is refused: `--init` must never run over a node that was there. */
export function initMember(folder: string, member: Member): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ExitError(EXIT.folder, `cannot make the folder ${folder}: ${String(error)}`, error);
  }
  const found = readdirSync(folder).filter((name) => name !== 'lost+found' && name !== DRAFT_NAME);
  if (found.includes(FILE_NAME)) {
    throw new ExitError(EXIT.folder, `${folder} already holds a node. Start it without --init.`);
  }
  if (found.length > 0) {
    throw new ExitError(
      EXIT.folder,
      `KEELSON_NOT_A_LOG: ${folder} is not empty (${found.slice(0, 3).join(', ')}); nothing was changed. ` +
        'Give --data a folder of its own.',
    );
  }
  writeMember(folder, member);
  syncDirectory(dirname(folder));
}

/** Reads who the node is. A folder without it is never taken for a new one. */
export function readMember(folder: string): Member {
  let text: string;
  try {
    text = readFileSync(join(folder, FILE_NAME), 'utf8');
  } catch (error) {
    throw new ExitError(
      EXIT.folder,
      `KEELSON_NOT_A_LOG: ${folder} holds no node (${FILE_NAME} cannot be read). For a member that never ran, add ` +
        '--init and who it is. A member whose folder was lost has forgotten its votes and what it acknowledged: it ' +
        'must not come back under its name.',
      error,
    );
  }
  const value = parse(text);
  // A folder from before members could be added holds a founder, and one from before logs were told apart knows none.
  if (isMember(value))
    return { ...value, founders: value.founders ?? Object.keys(value.addresses), logs: value.logs ?? {} };
  throw new ExitError(
    EXIT.folder,
    `${join(folder, FILE_NAME)} is not one of this program's: ${text.slice(0, 80)}`,
  );
}

/** On stable storage when it returns; a crash leaves the old or the new. Throws an {@link ExitError}. */
export function writeMember(folder: string, member: Member): void {
  const path = join(folder, FILE_NAME);
  try {
    replaceFile(
      path,
      join(folder, DRAFT_NAME),
      `${JSON.stringify({ format: FORMAT, ...member }, null, 2)}\n`,
    );
    syncDirectory(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(
      EXIT.environment,
      `cannot write ${path}: ${reason}. Check the disk, then try again.`,
      error,
    );
  }
}

function replaceFile(path: string, draft: string, text: string): void {
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, path);
}

function syncDirectory(path: string): void {
  // Windows keeps no handle of a directory; its names are journalled.
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

type Later = 'founders' | 'logs';

function isMember(value: unknown): value is Omit<Member, Later> & Partial<Pick<Member, Later>> {
  if (typeof value !== 'object' || value === null) return false;
  const { format, clusterId, memberId, identity, addresses, founders, known, logs, isFormed } =
    value as Record<string, unknown>;
  const areTexts = [clusterId, memberId, identity].every((text) => typeof text === 'string');
  return (
    format === FORMAT &&
    (founders === undefined || (Array.isArray(founders) && isTexts(founders))) &&
    areTexts &&
    isTexts(addresses) &&
    isTexts(known) &&
    (logs === undefined || isTexts(logs)) &&
    typeof isFormed === 'boolean'
  );
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((text) => typeof text === 'string')
  );
}
