import { isKeelsonError, type KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { PlainLog, portraitOf } from '../raft-log/plain-log.js';
import { open, type Chronicle } from './chronicle.js';
import { ImageDisk, type Images } from './image-disk.js';
import type { Mutation } from './mutations.js';

/**
 * - `'exact'`: all that was acknowledged is shown, and nothing else.
 * - `'named'`: a damage error names what was touched; nothing was changed, and every open says the same.
 * - `'stand-in'`: all but the newest snapshot, which the report names; an older one that the log joins is shown (R8).
 * - `'torn'`: groups are missing, within R5.
 * - `'older'`: a state of before, of which no file that was left alone says that there was more.
 */
export type Verdict = 'exact' | 'named' | 'stand-in' | 'torn' | 'older';

export type OpenMode = Pick<RaftLogOptions, 'verifyOnOpen' | 'readOnly'>;

/**
 * Opens and reads what a mutation left; throws whatever breaks the promise. Asked at length, it also opens once more
 * what an open refused and left as it was, and lets a log that is whole go on.
 */
export async function verdictOn(
  chronicle: Chronicle,
  mutation: Mutation,
  mode: OpenMode,
  isAtLength: boolean,
): Promise<Verdict> {
  const disk = new ImageDisk(mutation.images);
  let log: RaftLog;
  try {
    log = await open(disk.environment, mode);
  } catch (error) {
    const damage = namedDamage(error, mutation);
    expectUnchanged(mutation.images, disk.images());
    if (isAtLength) await expectSameAtOpen(disk.images(), mode, damage);
    return 'named';
  }
  let shown: string;
  try {
    shown = await portraitOf(log);
  } catch (error) {
    await readAround(chronicle, mutation, log, namedDamage(error, mutation), mode);
    await expectSameAtRead(mutation, disk, mode, error as KeelsonError);
    return 'named';
  }
  if (shown === truthOf(chronicle).portrait) {
    if (isAtLength && mode.readOnly !== true) await expectGoesOn(chronicle, disk, log);
    return 'exact';
  }
  const verdict = lessThanAll(chronicle, mutation, log, shown, mode);
  expectNewerKept(mutation, disk, log);
  // What was settled stays settled.
  const again = await portraitOf(await open(new ImageDisk(disk.images()).environment, mode));
  if (again !== shown) throw new Error(`the next open shows\n  ${again}\nthis one\n  ${shown}`);
  return verdict;
}

/** Why less may be shown than was acknowledged; throws if it may not. */
function lessThanAll(
  chronicle: Chronicle,
  mutation: Mutation,
  { recovery: { snapshotFallback } }: RaftLog,
  shown: string,
  mode: OpenMode,
): Verdict {
  if (snapshotFallback === null) {
    expectWithinR5(chronicle, mutation, shown, mode);
    return mutation.isUnwitnessed === undefined ? 'torn' : 'older';
  }
  const { lost, used } = snapshotFallback;
  if (!mutation.touched.includes(lost.path)) throw new Error(`it says that snapshot ${lost.path} is lost`);
  const { states } = chronicle;
  const standIn = states.find(({ snapshot }) => snapshot?.index === used.index)?.snapshot ?? null;
  const withStandIn = states.map(
    ({ boundary, entries, hardState }) => new PlainLog(boundary, entries, hardState, standIn),
  );
  if (shown !== withStandIn.at(-1)?.portrait)
    expectWithinR5({ ...chronicle, states: withStandIn }, mutation, shown, mode);
  return 'stand-in';
}

/** What was acknowledged, all of it. */
function truthOf({ states }: Chronicle): PlainLog {
  const truth = states[states.length - 1];
  if (truth === undefined) throw new Error('a chronicle begins with a state');
  return truth;
}

function namedDamage(error: unknown, { touched }: Mutation): KeelsonError {
  if (!isKeelsonError(error) || error.family !== 'damage') throw error;
  const { path, offset } = error.details;
  if (typeof path !== 'string' || !touched.includes(path))
    throw new Error(`it names ${String(path)}: ${error.message}`, { cause: error });
  if (error.code === 'KEELSON_CORRUPT' && typeof offset !== 'number')
    throw new Error(`it names no offset: ${error.message}`, { cause: error });
  return error;
}

function expectUnchanged(before: Images, after: Images): void {
  for (const [path, bytes] of after) {
    const old = before.get(path);
    if (old === undefined) throw new Error(`${path} was made by an open that found damage`);
    if (old !== bytes && Buffer.compare(old, bytes) !== 0)
      throw new Error(`${path} was changed by an open that found damage`);
  }
  for (const path of before.keys())
    if (!after.has(path)) throw new Error(`${path} was removed by an open that found damage`);
}

async function expectSameAtOpen(images: Images, mode: OpenMode, first: KeelsonError): Promise<void> {
  const disk = new ImageDisk(images);
  try {
    await open(disk.environment, mode);
  } catch (error) {
    if (isKeelsonError(error) && error.message === first.message && error.code === first.code) {
      expectUnchanged(images, disk.images());
      return;
    }
    throw new Error(`the second open says ${String(error)}, the first ${first.message}`, { cause: error });
  }
  throw new Error(`the second open succeeds, the first says ${first.message}`);
}

/** Damage that a read met leaves the touched files as they are, and the next reader hears the same. */
async function expectSameAtRead(
  { images, touched }: Mutation,
  disk: ImageDisk,
  mode: OpenMode,
  first: KeelsonError,
): Promise<void> {
  const files = (all: Images): Images => new Map([...all].filter(([path]) => touched.includes(path)));
  expectUnchanged(files(images), files(disk.images()));
  try {
    await portraitOf(await open(new ImageDisk(disk.images()).environment, mode));
  } catch (error) {
    if (isKeelsonError(error) && error.message === first.message) return;
    throw new Error(`the second reader hears ${String(error)}, the first ${first.message}`, { cause: error });
  }
  throw new Error(`the second reader hears nothing, the first ${first.message}`);
}

/** Where one read meets damage, every other one gives what was written, or meets it too. */
async function readAround(
  chronicle: Chronicle,
  mutation: Mutation,
  log: RaftLog,
  damage: KeelsonError,
  mode: OpenMode,
): Promise<void> {
  // R10: a log that only reads may not show the last group.
  if (mode.readOnly === true) return;
  const truth = truthOf(chronicle);
  if (log.lastIndex !== truth.lastIndex || log.firstIndex !== truth.firstIndex)
    throw new Error(`it shows ${log.firstIndex}..${log.lastIndex} and says ${damage.message}`);
  for (const expected of truth.entries) {
    try {
      const [entry] = await log.entries(expected.index, expected.index + 1);
      if (
        entry?.term !== expected.term ||
        entry.kind !== expected.kind ||
        Buffer.compare(entry.data, expected.data) !== 0
      )
        throw new Error(`entry ${expected.index} is not what was written`);
    } catch (error) {
      namedDamage(error, mutation);
    }
  }
}

function expectWithinR5(
  { states, end, markedAcks }: Chronicle,
  mutation: Mutation,
  shown: string,
  { readOnly = false }: OpenMode,
): void {
  const last = states.length - 1;
  const at = states.findLastIndex(({ portrait }) => portrait === shown);
  if (at < 0) throw new Error(`it shows what was never there:\n  ${shown}`);
  const lost = Array.from({ length: last - at }, (_, count) => at + 1 + count);
  const spared = lost.filter((ack) => !mutation.hits(ack));
  // R10: a log that only reads shows nothing above P, which the last group does not witness itself.
  if (readOnly && spared.length <= 1) return;
  const { isUnwitnessed } = mutation;
  // A log that only reads believes no group for itself: the last one that a witness is left of may be missing too.
  if (isUnwitnessed !== undefined && lost.slice(readOnly ? 1 : 0).every(isUnwitnessed)) return;
  if (end === 'unmarked' && at >= markedAcks && spared.length === 0) return;
  throw new Error(`acknowledgements ${lost.join(', ')} are lost in silence (${end}, ${markedAcks} marked)`);
}

/** A snapshot that stands for more than the log shows may be all that is left of it: it is somewhere still. */
function expectNewerKept({ images }: Mutation, disk: ImageDisk, { lastIndex }: RaftLog): void {
  const left = [...disk.images().values()];
  for (const [path, bytes] of images) {
    const index = Number(/(\d+)-\d+\.snap$/.exec(path)?.[1] ?? 0);
    if (index > lastIndex && !left.some((other) => Buffer.compare(other, bytes) === 0))
      throw new Error(`${path} stood for more than the log shows, and is gone`);
  }
}

/** The log takes one save more, dies, and shows it next time. */
async function expectGoesOn(chronicle: Chronicle, disk: ImageDisk, log: RaftLog): Promise<void> {
  const truth = truthOf(chronicle);
  const entry = { index: truth.lastIndex + 1, term: truth.hardState.term, data: Uint8Array.of(1, 2, 3) };
  await log.append([entry]);
  const again = await portraitOf(await open(new ImageDisk(disk.images()).environment));
  if (again !== truth.save({ entries: [entry] }).portrait)
    throw new Error(`after one more save it shows\n  ${again}`);
}
