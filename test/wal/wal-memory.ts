import { isKeelsonError } from '../../src/errors/index.js';
import type { ReadWalRecord, Wal, WalRecord } from '../../src/wal/index.js';
import { AllowedStates } from '../crash/allowed-states.js';

/** The tag of the record with each LSN, from LSN 1 on. */
type LogState = readonly string[];

const TAG_BYTES = 8;

/** What a wal promised, kept outside of it; see {@link AllowedStates}. */
export class WalMemory {
  #states: AllowedStates<LogState> = new AllowedStates<LogState>([]);
  #nextBatch = 1;
  /** States that a failed append would have led to, while reopening may still show them. */
  #doubtful: Set<LogState> = new Set<LogState>();
  /** Highest LSN below which records were given up, by a call that has at least begun. */
  #givenUpBelow = 1;
  /** The first LSN is not below this. */
  #firstLsn = 1;

  /** What a verdict depends on. */
  get key(): string {
    const states = this.#states.all.map((state) => `${state.join()}${this.#doubtful.has(state) ? '?' : ''}`);
    return [...states, this.#givenUpBelow, this.#firstLsn].join(';');
  }

  /** Last LSN that must be there. */
  get promisedLsn(): number {
    return this.#states.promised.length;
  }

  /** Appends one batch of records of these sizes; resolves when the wal has acknowledged it. */
  async append(wal: Wal, sizes: readonly number[]): Promise<void> {
    const batch = this.#nextBatch++;
    const records = sizes.map((size, at) => recordOf(batch, at, size));
    const state = [...this.#base(), ...records.map(({ data }) => tagOf(data))];
    this.#states.issue(state);
    try {
      const { firstLsn, lastLsn } = await wal.append(records);
      if (lastLsn !== state.length || firstLsn !== state.length - sizes.length + 1)
        throw new Error(`LSNs ${firstLsn}..${lastLsn}, expected up to ${state.length}`);
    } catch (error) {
      this.#failed(state, error);
      throw error;
    }
    // A log that goes on has nothing of what failed before: such states end here too.
    this.#states.acknowledge(state);
  }

  /** What the next batch is appended to: the last one that has not failed. */
  #base(): LogState {
    const sound = this.#states.all.filter((state) => !this.#doubtful.has(state));
    return sound[sound.length - 1] as LogState;
  }

  #failed(state: LogState, error: unknown): void {
    // Without room nothing of it is kept; else reopening decides.
    if (isKeelsonError(error, 'KEELSON_NO_SPACE')) this.#states.refuse(state);
    else this.#doubtful.add(state);
  }

  /** Lets records below `lsn` go. */
  async dropBefore(wal: Wal, lsn: number): Promise<number> {
    this.#givenUpBelow = Math.max(this.#givenUpBelow, lsn);
    const { bytesFreed } = await wal.dropBefore(lsn);
    this.#firstLsn = (await readAll(wal)).firstLsn;
    return bytesFreed;
  }

  /** Holds what an open wal shows against what is allowed; what it shows is the promise from then on. */
  async judge(wal: Wal): Promise<void> {
    const { firstLsn, records } = await readAll(wal);
    const lastLsn = firstLsn + records.length - 1;
    if (firstLsn > this.#givenUpBelow || firstLsn < this.#firstLsn)
      throw new Error(`it begins at LSN ${firstLsn}, expected ${this.#firstLsn}..${this.#givenUpBelow}`);
    const tags = records.map(({ data }) => tagOf(data));
    this.#firstLsn = firstLsn;
    this.#doubtful.clear();
    if (this.#states.settle((state) => isShown(state, firstLsn, tags))) return;
    const allowed = this.#states.all.map((state) => state.length).join(', ');
    throw new Error(`it holds LSNs ${firstLsn}..${lastLsn} (${tags.join(' ')}); allowed ends: ${allowed}`);
  }

  /** Reads of an open wal show what was acknowledged, and nothing that a crash could take back. */
  async checkReads(wal: Wal): Promise<void> {
    const { firstLsn, records } = await readAll(wal);
    const tags = records.map(({ data }) => tagOf(data));
    if (this.#states.all.some((state) => isShown(state, firstLsn, tags))) return;
    throw new Error(`reads show, from LSN ${firstLsn} on, ${tags.join(' ')}`);
  }

  clone(): WalMemory {
    const copy = new WalMemory();
    copy.#states = this.#states.clone();
    copy.#nextBatch = this.#nextBatch;
    copy.#doubtful = new Set(this.#doubtful);
    copy.#givenUpBelow = this.#givenUpBelow;
    copy.#firstLsn = this.#firstLsn;
    return copy;
  }
}

function isShown(state: LogState, firstLsn: number, tags: readonly string[]): boolean {
  return (
    state.length === firstLsn - 1 + tags.length && tags.every((tag, at) => state[firstLsn - 1 + at] === tag)
  );
}

/** All that a wal shows, from its first LSN on; throws if LSNs skip or bytes are not what was appended. */
export async function readAll(wal: Wal): Promise<{ firstLsn: number; records: ReadWalRecord[] }> {
  for (;;) {
    try {
      return await readOnce(wal);
    } catch (error) {
      // Segments that are being dropped may go from under a read, which says so.
      if (!isKeelsonError(error, 'KEELSON_COMPACTED')) throw error;
    }
  }
}

async function readOnce(wal: Wal): Promise<{ firstLsn: number; records: ReadWalRecord[] }> {
  const firstLsn = await firstLsnOf(wal);
  const records: ReadWalRecord[] = [];
  for await (const record of wal.read(firstLsn)) {
    if (record.lsn !== firstLsn + records.length) throw new Error(`LSN ${record.lsn} out of order`);
    checkRecord(record);
    records.push(record);
  }
  return { firstLsn, records };
}

async function firstLsnOf(wal: Wal): Promise<number> {
  try {
    for await (const record of wal.read(1)) return record.lsn;
    return 1;
  } catch (error) {
    if (isKeelsonError(error, 'KEELSON_COMPACTED')) return Number(error.expected);
    throw error;
  }
}

/** A record that says by its own bytes which one it is: batch and place, then a pattern of both. */
export function recordOf(batch: number, place: number, size: number): WalRecord {
  const data = new Uint8Array(TAG_BYTES + size);
  const view = new DataView(data.buffer);
  view.setUint32(0, batch);
  view.setUint32(4, place);
  for (let at = TAG_BYTES; at < data.length; at += 1) data[at] = (batch * 31 + place * 7 + at) & 0xff;
  return { kind: batch % 128, data };
}

function tagOf(data: Uint8Array): string {
  const view = new DataView(data.buffer, data.byteOffset);
  return `${view.getUint32(0)}.${view.getUint32(4)}`;
}

function checkRecord(record: ReadWalRecord): void {
  const view = new DataView(record.data.buffer, record.data.byteOffset);
  const expected = recordOf(view.getUint32(0), view.getUint32(4), record.data.length - TAG_BYTES);
  if (record.kind !== expected.kind || Buffer.compare(record.data, expected.data) !== 0)
    throw new Error(`LSN ${record.lsn} is not what was appended`);
}
