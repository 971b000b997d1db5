import { strict as assert } from 'node:assert';
import { isKeelsonError, type ErrorCode, type KeelsonError } from '../errors/index.js';
import type { Entry, RaftLog } from '../raft-log/contract.js';
import type { ConformanceHarness } from './harness.js';

/** One case of the suite. */
export interface ConformanceCase {
  readonly name: string;
  /** What the store must be able to do, or the case is left out. */
  readonly needs?: readonly ('reopen' | 'crash' | 'interlocks' | 'batchBytesMax')[];
  readonly run: (scene: Scene) => Promise<void>;
}

/** The stage of one case: opens logs under names of its own and closes them in the end. */
export class Scene {
  readonly harness: ConformanceHarness;
  readonly #dir: string;
  readonly #open = new Set<RaftLog>();
  #freshCount = 0;

  constructor(harness: ConformanceHarness, dir: string) {
    this.harness = harness;
    this.#dir = dir;
  }

  /** A name that no log had yet. */
  freshDir(): string {
    this.#freshCount += 1;
    return `${this.#dir}-${this.#freshCount}`;
  }

  /** A log, fresh unless a name is given. */
  async open(dir: string = this.freshDir()): Promise<RaftLog> {
    const log = await this.harness.open(dir);
    this.#open.add(log);
    return log;
  }

  async close(log: RaftLog): Promise<void> {
    this.#open.delete(log);
    await log.close();
  }

  async reopen(log: RaftLog, dir: string): Promise<RaftLog> {
    await this.close(log);
    return this.open(dir);
  }

  /** Crashes all that is open; nothing of it is touched again. */
  async crash(): Promise<void> {
    this.#open.clear();
    await this.harness.crash?.();
  }

  async end(): Promise<void> {
    for (const log of this.#open) await log.close();
    this.#open.clear();
  }
}

/** Bytes that an index and term determine, so that one entry never has two contents. */
export function dataOf(index: number, term: number): Uint8Array {
  const length = (index * 7 + term * 13) % 40;
  return Uint8Array.from({ length }, (_, at) => (index * 31 + term * 17 + at) & 255);
}

/** The kind that an index and term determine. */
export function kindOf(index: number, term: number): number {
  return (index * 5 + term) % 256;
}

/** An entry whose content its index and term determine. */
export function entry(index: number, term: number): Required<Entry> {
  return { index, term, kind: kindOf(index, term), data: dataOf(index, term) };
}

/** Entries of these terms from `from` on. */
export function entriesOf(from: number, terms: readonly number[]): Required<Entry>[] {
  return terms.map((term, offset) => entry(from + offset, term));
}

/** A log with entries 1.. of these terms, and their last term as its own. */
export async function logWith(scene: Scene, terms: readonly number[], dir?: string): Promise<RaftLog> {
  const log = await scene.open(dir);
  await log.save({ entries: entriesOf(1, terms), hardState: { term: terms.at(-1) ?? 0 } });
  return log;
}

/** A snapshot of the host's state at `index`, its bytes determined by the index. */
export function snapshotAt(index: number): { index: number; conf: Uint8Array; data: Uint8Array } {
  return { index, conf: Uint8Array.of(index & 255, 7), data: dataOf(index, 99) };
}

/** The bytes of a stream, in one piece. */
export async function bytesOf(data: AsyncIterable<Uint8Array> | readonly never[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The terms of all entries held. */
export async function termsHeld(log: RaftLog): Promise<number[]> {
  const held = await log.entries(log.firstIndex, log.lastIndex + 1);
  return held.map(({ term }) => term);
}

/** An entry with plain bytes, whatever class of bytes the store hands out. */
export function plain({ index, term, kind, data }: Entry): Entry {
  return { index, term, kind: kind ?? 0, data: Uint8Array.from(data) };
}

/** Entries compare by what they hold. */
export function assertEntries(found: readonly Entry[], expected: readonly Entry[], message?: string): void {
  assert.deepEqual(found.map(plain), expected.map(plain), message);
}

/** The call must reject with this code, as a promise, never by throwing. */
export async function assertRejects(
  code: ErrorCode,
  call: () => Promise<unknown>,
  what: string = code,
): Promise<KeelsonError> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (error) {
    assert.fail(`${what}: threw where it must reject: ${String(error)}`);
  }
  return promise.then(
    () => assert.fail(`${what}: resolved, expected ${code}`),
    (error: unknown) => checkCode(error, code, what),
  );
}

/**
 * A promise that is awaited later: if an assertion fails before that, its own rejection is not reported as one
 * that nobody handled, beside the failure that matters.
 */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** The call must throw this code. */
export function assertThrows(code: ErrorCode, call: () => unknown, what: string = code): void {
  try {
    call();
  } catch (error) {
    checkCode(error, code, what);
    return;
  }
  assert.fail(`${what}: returned, expected ${code}`);
}

function checkCode(error: unknown, code: ErrorCode, what: string): KeelsonError {
  if (!isKeelsonError(error, code)) assert.fail(`${what}: got ${String(error)}, expected ${code}`);
  assert.ok(error.message.length > 0);
  return error;
}

/** All that a log shows, as a plain value to compare. */
export async function portraitOf(log: RaftLog): Promise<unknown> {
  const opened = await log.openSnapshot();
  const terms: number[] = [];
  for (let index = log.firstIndex - 1; index <= log.lastIndex; index += 1) terms.push(log.term(index));
  return {
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    hardState: { ...log.hardState },
    snapshot:
      opened === null
        ? null
        : {
            index: opened.meta.index,
            term: opened.meta.term,
            conf: [...opened.meta.conf],
            bytes: opened.meta.bytes,
            data: [...(await bytesOf(opened.data))],
          },
    snapshotMeta: log.snapshot === null ? null : { ...log.snapshot, conf: [...log.snapshot.conf] },
    terms,
    entries: (await log.entries(log.firstIndex, log.lastIndex + 1)).map((one) => ({
      index: one.index,
      term: one.term,
      kind: one.kind,
      data: [...one.data],
    })),
  };
}
