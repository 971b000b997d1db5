import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/environment.js';
import type { Entry, RaftLog, SaveRequest } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { PlainLog } from '../raft-log/plain-log.js';
import type { Images } from './image-disk.js';
import type { Lives } from './lives.js';

export const DIR = '/data/log';
const SEGMENT_BYTES = 4096;
/** Milliseconds after which an idle log has written its end mark (D12 allows 100). */
const IDLE_MS = 150;

/**
 * - `'clean'`: closed.
 * - `'marked'`: killed when it had been idle for a moment, so that the end mark has landed: nothing may be lost.
 * - `'unmarked'`: killed right behind the last acknowledgement: R5 is the limit.
 */
export type End = 'clean' | 'marked' | 'unmarked';

/** How the files stood when so many saves were acknowledged. */
export interface Moment {
  readonly acks: number;
  readonly images: Images;
}

/** What a log was told and what it acknowledged, one save at a time, and how its files stood at each acknowledgement. */
export interface Chronicle {
  readonly end: End;
  /** `states[k]`: what is there behind acknowledgement k. */
  readonly states: readonly PlainLog[];
  /** The files at each acknowledgement, and whenever a life began or ended. */
  readonly moments: readonly Moment[];
  /** The files in the end. */
  readonly images: Images;
  /** Acknowledgements that an end mark which landed bears witness of. */
  readonly markedAcks: number;
}

export function open(
  environment: Environment,
  options: Omit<RaftLogOptions, 'dir' | 'environment'> = {},
): Promise<RaftLog> {
  return openRaftLog({
    dir: DIR,
    segmentBytes: SEGMENT_BYTES,
    writeMode: 'inline',
    environment,
    ...options,
  });
}

/** A scribe of one life: asks the log and the model for the same, and keeps the files of each moment. */
export class Scribe {
  readonly states: PlainLog[] = [new PlainLog()];
  readonly moments: Moment[] = [];
  readonly disk: SimulatedDisk = createSimulatedDisk({
    seed: 1,
    profile: { calls: 'inline' },
    directories: ['/data'],
  });
  log!: RaftLog;
  markedAcks = 0;
  #salt = 0;

  constructor() {
    this.disk.onCall = ({ kind, path }) => {
      // The log notes the newest acknowledgement of all, and writes what it noted last.
      if (kind === 'write' && path.endsWith('/marks')) this.markedAcks = this.acks;
      return undefined;
    };
  }

  get acks(): number {
    return this.states.length - 1;
  }

  get newest(): PlainLog {
    return this.states[this.states.length - 1] as PlainLog;
  }

  images(): Images {
    return new Map(this.disk.list().map((path) => [path, this.disk.readVolatile(path) ?? new Uint8Array()]));
  }

  async open(): Promise<void> {
    this.log = await open(this.disk.environment);
    this.#keep();
  }

  async close(): Promise<void> {
    await this.log.close();
    this.#keep();
  }

  #keep(): void {
    this.moments.push({ acks: this.acks, images: this.images() });
  }

  bytes(size: number): Uint8Array {
    this.#salt += 1;
    return Uint8Array.from({ length: size }, (_, at) => (this.#salt * 41 + at * 13) & 255);
  }

  entries(sizes: readonly number[], term: number, from: number = this.newest.lastIndex + 1): Entry[] {
    return sizes.map((size, at) => ({ index: from + at, term, kind: at, data: this.bytes(size) }));
  }

  async #note(state: PlainLog, done: Promise<unknown>): Promise<void> {
    await done;
    this.states.push(state);
    this.#keep();
  }

  save(request: SaveRequest): Promise<void> {
    return this.#note(this.newest.save(request), this.log.save(request));
  }

  append(sizes: readonly number[]): Promise<void> {
    return this.save({ entries: this.entries(sizes, this.newest.hardState.term) });
  }

  snapshot(index: number, size: number): Promise<void> {
    const request = { index, conf: this.bytes(11), data: this.bytes(size) };
    return this.#note(this.newest.createSnapshot(request), this.log.createSnapshot(request));
  }

  install(index: number, term: number, size: number): Promise<void> {
    const request = { index, term, conf: this.bytes(7), data: this.bytes(size) };
    return this.#note(this.newest.installSnapshot(request), this.log.installSnapshot(request));
  }

  compact(upTo: number): Promise<void> {
    return this.#note(this.newest.compact(upTo), this.log.compact(upTo));
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.disk.environment.setTimer(IDLE_MS, resolve);
    });
  }

  /** Dies as by SIGKILL: nothing more is written. */
  kill(): void {
    this.disk.crash('kill');
  }
}

/** Writes a chronicle: runs the lives, ends the last one as asked. */
export async function chronicleOf(end: End, live: Lives): Promise<Chronicle> {
  const scribe = new Scribe();
  // Not `disk.run`, which ends with the first process: a chronicle has several.
  await scribe.disk.queue.runUntil(liveUntil(scribe, end, live));
  scribe.kill();
  const { states, moments, markedAcks } = scribe;
  return { end, states, moments, images: scribe.images(), markedAcks };
}

async function liveUntil(scribe: Scribe, end: End, live: Lives): Promise<void> {
  await live(scribe);
  if (end === 'marked') await scribe.idle();
  if (end === 'clean') await scribe.close();
}
