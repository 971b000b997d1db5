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
type DefaultedOption =
  | 'create'
  | 'segmentBytes'
  | 'batchBytesMax'
  | 'snapshotsKept'
  | 'writeMode'
  | 'checks'
  | 'readOnly'
  | 'verifyOnOpen'
  | 'onOlderFormat'
  | 'queueBytesMax'
  | 'recentBytes'
  | 'pinnedBytesQuiet';

/** The defaults of {@link RaftLogOptions}: the one table. */
export const DEFAULTS: Readonly<Required<Pick<RaftLogOptions, DefaultedOption>>> = Object.freeze({
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
export interface ResolvedOptions {
  /** Absolute, as is the next. */
  readonly dir: string;
  /** Directory of the segments, also where it was not given. */
  readonly walDir: string;
  /** The segments live outside of `dir`. */
  readonly walDirIsSeparate: boolean;
  readonly create: 'if-missing' | 'never';
  readonly segmentBytes: number;
  readonly batchBytesMax: number;
  readonly snapshotsKept: number;
  readonly writeMode: 'auto' | 'inline' | 'background';
  readonly checks: 'strict' | 'off';
  readonly readOnly: boolean;
  readonly verifyOnOpen: 'tail' | 'all';
  readonly onOlderFormat: 'migrate' | 'refuse' | 'reset';
  readonly resetTo: ResetPoint | null;
  readonly queueBytesMax: number;
  readonly recentBytes: number;
  readonly pinnedBytesQuiet: number;
  /** As given: the default is loaded by the one who opens. */
  readonly environment: Environment | undefined;
  readonly signal: AbortSignal | undefined;
}

const KNOWN: readonly (keyof RaftLogOptions)[] = [
  'dir',
  'walDir',
  'create',
  'segmentBytes',
  'batchBytesMax',
  'snapshotsKept',
  'writeMode',
  'checks',
  'readOnly',
  'verifyOnOpen',
  'onOlderFormat',
  'resetTo',
  'queueBytesMax',
  'recentBytes',
  'pinnedBytesQuiet',
  'environment',
  'signal',
];

type Raw = Readonly<Record<keyof RaftLogOptions, unknown>>;

/**
 * Checks options and fills in the defaults; touches nothing outside.
 *
 * @throws `KEELSON_INVALID_ARGUMENT` naming the option: unknown, out of bounds, or at odds with another one.
 */
export function resolveOptions(options: RaftLogOptions): ResolvedOptions {
  const raw: Raw = readFields('options', options, KNOWN, '');
  const readOnly = flag('readOnly', raw);
  const onOlderFormat = oneOf('onOlderFormat', raw, ['migrate', 'refuse', 'reset']);
  checkReadOnlyCombination(readOnly, raw);
  return Object.freeze({
    ...resolveDirectories(raw),
    // Reading alone makes nothing, so a missing log stays missing.
    create: readOnly ? 'never' : oneOf('create', raw, ['if-missing', 'never']),
    segmentBytes: bounded('segmentBytes', raw, LIMITS.segmentBytesMin, LIMITS.segmentBytesMax),
    batchBytesMax: bounded('batchBytesMax', raw, 1, LIMITS.frameBytesMax),
    snapshotsKept: bounded('snapshotsKept', raw, 1, LIMITS.snapshotsKeptMax),
    writeMode: oneOf('writeMode', raw, ['auto', 'inline', 'background']),
    checks: oneOf('checks', raw, ['strict', 'off']),
    readOnly,
    verifyOnOpen: oneOf('verifyOnOpen', raw, ['tail', 'all']),
    onOlderFormat,
    resetTo: resolveReset(onOlderFormat, raw.resetTo),
    queueBytesMax: bounded('queueBytesMax', raw, 1, LIMITS.queueBytesMax),
    recentBytes: bounded('recentBytes', raw, 0, LIMITS.recentBytesMax),
    pinnedBytesQuiet: bounded('pinnedBytesQuiet', raw, 0, LIMITS.integerMax),
    environment: environmentOf(raw.environment),
    signal: signalOf(raw.signal),
  });
}

function resolveDirectories(raw: Raw): Pick<ResolvedOptions, 'dir' | 'walDir' | 'walDirIsSeparate'> {
  const dir = directory('dir', raw.dir);
  const ownWalDir = join(dir, WAL_DIRECTORY_NAME);
  if (raw.walDir === undefined) return { dir, walDir: ownWalDir, walDirIsSeparate: false };
  const walDir = directory('walDir', raw.walDir);
  if (walDir === ownWalDir) return { dir, walDir, walDirIsSeparate: false };
  // Either would find the other's name among its own files, and be no log at the next open.
  if (holdsDirectory(dir, walDir) || holdsDirectory(walDir, dir))
    throw invalidArgument('walDir', raw.walDir, 'a directory beside dir, neither in it nor around it');
  return { dir, walDir, walDirIsSeparate: true };
}

/** True if `inner` is `outer` or lies somewhere below it. */
export function holdsDirectory(outer: string, inner: string): boolean {
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
function directory(name: string, value: unknown): string {
  checkDirectory(name, value);
  return resolve(value);
}

function flag(name: 'readOnly', raw: Raw): boolean {
  const value = raw[name] === undefined ? DEFAULTS[name] : raw[name];
  if (typeof value !== 'boolean') throw invalidArgument(name, value, 'true or false');
  return value;
}

function bounded(
  name:
    | 'segmentBytes'
    | 'batchBytesMax'
    | 'snapshotsKept'
    | 'queueBytesMax'
    | 'recentBytes'
    | 'pinnedBytesQuiet',
  raw: Raw,
  min: number,
  max: number,
): number {
  const value = raw[name] === undefined ? DEFAULTS[name] : raw[name];
  checkInteger(name, value, min, max);
  return value;
}

type Choice = 'create' | 'writeMode' | 'checks' | 'verifyOnOpen' | 'onOlderFormat';

function oneOf<const T extends string>(name: Choice, raw: Raw, allowed: readonly T[]): T {
  const value = raw[name] === undefined ? DEFAULTS[name] : raw[name];
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw invalidArgument(name, value, `one of ${allowed.map((one) => `'${one}'`).join(', ')}`);
  return found;
}

function environmentOf(value: unknown): Environment | undefined {
  if (value !== undefined) checkEnvironment('environment', value);
  return value;
}

function signalOf(value: unknown): AbortSignal | undefined {
  if (value !== undefined) checkSignal('signal', value);
  return value;
}
