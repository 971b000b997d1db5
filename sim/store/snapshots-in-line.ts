import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import { judgeFailure } from './issue-save.js';
import type { Scene } from './scene.js';
import type { GivenData } from './taken-snapshot.js';

/**
 * Two more snapshots that are asked for while one streams, and that come to nothing: one is given up before its turn, the
 * data of the other fails. Snapshots are taken one at a time: nothing is asked of that data before that of the first has ended.
 */
export class SnapshotsInLine {
  readonly #scene: Scene;
  readonly #log: RaftLog;
  readonly #index: number;
  readonly #ended: Promise<void>[] = [];
  readonly #broken = new Error('the data of this snapshot fails');

  constructor(scene: Scene, log: RaftLog, index: number) {
    this.#scene = scene;
    this.#log = log;
    this.#index = index;
  }

  /** While the first streams, whose data it is. */
  begin(first: GivenData): void {
    if (this.#ended.length > 0 || this.#log.status !== 'open') return;
    const givenUp = new AbortController();
    this.#ended.push(this.#take(first, givenUp.signal), this.#take(first));
    givenUp.abort();
  }

  /** Resolves when both have an answer. */
  async end(): Promise<void> {
    await Promise.all(this.#ended);
    if (this.#ended.length > 0) this.#scene.reach['snapshots-in-line'] += 1;
  }

  async #take(first: GivenData, signal?: AbortSignal): Promise<void> {
    const request = { index: this.#index, conf: new Uint8Array(), data: this.#data(first) };
    try {
      await this.#log.createSnapshot({ ...request, ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      const isTold =
        error === this.#broken ||
        isKeelsonError(error, 'KEELSON_SNAPSHOT_OUT_OF_DATE') ||
        (signal !== undefined && isKeelsonError(error, 'KEELSON_ABORTED'));
      const finding = isTold ? null : judgeFailure(this.#scene, error, false);
      if (finding !== null) this.#scene.found(finding);
      return;
    }
    const what = `${this.#scene.by} took a snapshot at ${this.#index} whose data fails, or that was given up`;
    this.#scene.found(new Finding({ oracle: 'durable-view', what }));
  }

  async *#data(first: GivenData): AsyncGenerator<Uint8Array, void, undefined> {
    if (!first.isOver) {
      const what = `${this.#scene.by} takes two snapshots at a time: data of the second was asked for before that of the first had ended`;
      this.#scene.found(new Finding({ oracle: 'durable-view', what }));
    }
    yield await Promise.reject<Uint8Array>(this.#broken);
  }
}
