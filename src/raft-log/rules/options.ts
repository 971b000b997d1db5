import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { checkEnvironment, type Environment } from '../../disk/environment.js';
import { LIMITS } from '../../format/limits.js';
import { WAL_DIRECTORY_NAME } from '../../format/names.js';
import {
  checkDirectory,
  checkInteger,
  checkSignal,
  invalidArgument,
  readFields,
} from '../../errors/arguments.js';
import type { HardState } from '../contract.js';
import type { RaftLogOptions } from '../options-contract.js';
import { readWholeHardState } from './requests.js';

/** The options that have a default. */
type DefaultedOption = Exclude<keyof RaftLogOptions, 'dir' | 'walDir' | 'resetTo' | 'environment' | 'signal'>;
type Defaulted = Readonly<Required<Pick<RaftLogOptions, DefaultedOption>>>;

/** The defaults of {@link RaftLogOptions}: the one table. */
export const DEFAULTS: Defaulted = Object.freeze({
  create: 'if-missing',
  segmentBytes: 67_108_864,
  batchBytesMax: 16_777_216,
  snapshotsKept: 2,
  writeMode: 'auto',
  checks: 'strict',
  readOnly: false,
  verifyOnOpen: 'tail',
  onOlderFormat: 'refuse',
  queueBytesMax: 67_108_864,
  recentBytes: 4_194_304,
  pinnedBytesQuiet: 268_435_456,
});

/** Where a reset log stands, whole. */
export interface ResetPoint {
  readonly index: number;
  readonly term: number;
  /** Left out: term and vote are kept as far as they can be read. */
  readonly hardState: HardState | null;
}

/** Options with every default filled in and every bound checked. */
export interface ResolvedOptions extends Defaulted {
  /** Absolute, as is the next. */
  readonly dir: string;
  /** Null: inside `dir`. */
  readonly walDir: string | null;
  readonly resetTo: ResetPoint | null;
  /** As given: the default is loaded by the one who opens. */
  readonly environment: Environment | undefined;
  readonly signal: AbortSignal | undefined;
}

const KNOWN = [
  'dir',
  'walDir',
  ...Object.keys(DEFAULTS),
  'resetTo',
  'environment',
  'signal',
] as (keyof RaftLogOptions)[];

type Raw = Readonly<Partial<Record<keyof RaftLogOptions, unknown>>>;

/**
 * Checks options and fills in the defaults; touches nothing outside.
 *
 * @throws `KEELSON_INVALID_ARGUMENT` naming the option: unknown, out of bounds, or at odds with another one.
 */
export function resolveOptions(options: RaftLogOptions): ResolvedOptions {
  const raw: Raw = readFields('options', options, KNOWN, '');
  const { environment, signal } = raw;
  checkEnvironment('environment', environment);
  checkSignal('signal', signal);
  const readOnly = flag('readOnly', raw);
  const onOlderFormat = oneOf('onOlderFormat', raw, ['migrate', 'refuse', 'reset']);
  checkReadOnlyCombination(readOnly, raw);
  const dir = directory('dir', raw.dir);
  const walDir = walDirBeside('walDir', raw.walDir, dir);
  const { checks, batchBytesMax, queueBytesMax, recentBytes } = diskless(raw);
  return Object.freeze({
    dir,
    walDir,
    checks,
    batchBytesMax,
    queueBytesMax,
    recentBytes,
    // Reading alone makes nothing, so a missing log stays missing.
    create: readOnly ? 'never' : oneOf('create', raw, ['if-missing', 'never']),
    segmentBytes: bounded('segmentBytes', raw, LIMITS.segmentBytesMin, LIMITS.segmentBytesMax),
    snapshotsKept: bounded('snapshotsKept', raw, 1, LIMITS.snapshotsKeptMax),
    writeMode: oneOf('writeMode', raw, ['auto', 'inline', 'background']),
    readOnly,
    verifyOnOpen: oneOf('verifyOnOpen', raw, ['tail', 'all']),
    onOlderFormat,
    resetTo: resolveReset(onOlderFormat, raw.resetTo),
    pinnedBytesQuiet: bounded('pinnedBytesQuiet', raw, 0, LIMITS.integerMax),
    environment,
    signal,
  });
}

const DISKLESS = ['checks', 'batchBytesMax', 'queueBytesMax', 'recentBytes'] as const;

type Diskless = Pick<Defaulted, (typeof DISKLESS)[number]>;

/** As {@link resolveOptions}, of those alone that mean something without a disk. */
export function resolveDiskless(options: unknown): Diskless {
  return diskless(readFields('options', options, DISKLESS, ''));
}

function diskless(raw: Raw): Diskless {
  return {
    checks: oneOf('checks', raw, ['strict', 'off']),
    batchBytesMax: bounded('batchBytesMax', raw, 1, LIMITS.frameBytesMax),
    queueBytesMax: bounded('queueBytesMax', raw, 1, LIMITS.queueBytesMax),
    recentBytes: bounded('recentBytes', raw, 0, LIMITS.recentBytesMax),
  };
}

/** Where the segments of a store in `dir` are; null: inside it, which may be said aloud or not. */
export function walDirBeside(name: string, value: unknown, dir: string, ...others: string[]): string | null {
  if (value === undefined || directory(name, value) === join(dir, WAL_DIRECTORY_NAME)) return null;
  return outside(name, value, [...others, dir]);
}

/** Either would find the other's name among its own files, and be no log at the next open. */
export function outside(name: string, value: unknown, dirs: readonly string[]): string {
  const path = directory(name, value);
  const dir = dirs.find((one) => holdsDirectory(one, path) || holdsDirectory(path, one));
  if (dir !== undefined)
    throw invalidArgument(name, value, `a directory beside ${dir}, neither in it nor around it`);
  return path;
}

/** True if `inner` is `outer` or lies somewhere below it. */
function holdsDirectory(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A read-only open changes nothing, so it is at odds with every option that asks for a change. */
function checkReadOnlyCombination(readOnly: boolean, raw: Raw): void {
  if (!readOnly) return;
  if (raw.create === 'if-missing') throw invalidArgument('create', raw.create, `'never' beside readOnly`);
  if (raw.onOlderFormat !== undefined && raw.onOlderFormat !== 'refuse') {
    throw invalidArgument('onOlderFormat', raw.onOlderFormat, `'refuse' beside readOnly`);
  }
}

function resolveReset(onOlderFormat: ResolvedOptions['onOlderFormat'], resetTo: unknown): ResetPoint | null {
  if (onOlderFormat !== 'reset') {
    if (resetTo !== undefined)
      throw invalidArgument('resetTo', resetTo, `nothing unless onOlderFormat is 'reset'`);
    return null;
  }
  const { index, term, hardState: given } = readFields('resetTo', resetTo, ['index', 'term', 'hardState']);
  checkInteger('resetTo.index', index, 0, LIMITS.indexMax);
  checkInteger('resetTo.term', term, 0);
  if (given === undefined) return Object.freeze({ index, term, hardState: null });
  const hardState = readWholeHardState('resetTo.hardState', given);
  if (hardState.term < term) {
    throw invalidArgument(
      'resetTo.hardState.term',
      hardState.term,
      `at least resetTo.term, which is ${String(term)}`,
    );
  }
  if (hardState.commit > index) {
    throw invalidArgument(
      'resetTo.hardState.commit',
      hardState.commit,
      `at most resetTo.index, which is ${String(index)}`,
    );
  }
  // The state machine stands at `index`, so that much is committed.
  return Object.freeze({
    index,
    term,
    hardState: Object.freeze({ term: hardState.term, vote: hardState.vote, commit: index }),
  });
}

/** Absolute: where the process stands later must not decide where the next file goes. */
export function directory(name: string, value: unknown): string {
  checkDirectory(name, value);
  return resolve(value);
}

function given(name: DefaultedOption, raw: Raw): unknown {
  return raw[name] === undefined ? DEFAULTS[name] : raw[name];
}

function flag(name: DefaultedOption, raw: Raw): boolean {
  const value = given(name, raw);
  if (typeof value !== 'boolean') throw invalidArgument(name, value, 'true or false');
  return value;
}

function bounded(name: DefaultedOption, raw: Raw, min: number, max: number): number {
  const value = given(name, raw);
  checkInteger(name, value, min, max);
  return value;
}

function oneOf<const T extends string>(name: DefaultedOption, raw: Raw, allowed: readonly T[]): T {
  const value = given(name, raw);
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw invalidArgument(name, value, `one of ${allowed.map((one) => `'${one}'`).join(', ')}`);
  return found;
}
