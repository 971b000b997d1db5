import type { HeldEnvironment } from '../../disk/held-disk.js';
import { NOTHING_DURABLE } from '../../format/position.js';
import type { Superblock } from '../../format/superblock.js';
import type { WalLayer } from '../layer.js';
import type { OpenRequest } from '../open-request.js';
import { judge } from '../recover/judge.js';
import { RecoveryTally } from '../report/damage.js';
import { SegmentedLog } from '../segmented-log.js';
import type { StorePaths } from '../store/store-directory.js';
import { WalCounters } from '../report/wal-counters.js';
import { buildBeside } from './build-beside.js';
import type { Replacement } from './older-stores.js';
import { requestBeside } from './request-beside.js';

/** A run of frames that replay can begin at, up to its last LSN. */
export interface Stretch {
  readonly lineage: Uint8Array | null;
  /** What is known of where the present epoch began. */
  readonly superblock: Pick<Superblock, 'fenceEpoch' | 'fenceLsn'> | null;
  readonly fromSegment: number;
  readonly toSegment: number;
  readonly lastLsn: number;
}

/** A damaged log, of which stretches are read, and the new one that is built beside it from them. */
export class LogUnderRepair {
  readonly environment: HeldEnvironment;
  readonly segmentBytes: number;
  readonly #paths: StorePaths;

  /** @param segmentBytes of the new log */
  constructor(environment: HeldEnvironment, paths: StorePaths, segmentBytes: number) {
    this.environment = environment;
    this.#paths = paths;
    this.segmentBytes = segmentBytes;
  }

  #request(layer: WalLayer): OpenRequest {
    return requestBeside(this.environment, this.#paths, this.segmentBytes, layer);
  }

  /** Resolved: the new segments and their names are durable, and nothing names them; returns the superblock that would. */
  buildNew(replacement: Replacement, epoch: number, layer: WalLayer): Promise<Superblock> {
    return buildBeside(this.#request(layer), this.#paths, replacement, epoch);
  }

  /** A stretch as a log of its own, for reading: as if the store began and ended with it. Throws its damage. */
  async openStretch(stretch: Stretch, layer: WalLayer): Promise<SegmentedLog> {
    const { lineage, superblock, fromSegment, toSegment, lastLsn } = stretch;
    const { environment } = this;
    const tally = new RecoveryTally(() => environment.now());
    const judgement = await judge({
      disk: environment.disk,
      walDir: this.#paths.walDir,
      superblock: {
        generation: 0,
        lineage: lineage ?? new Uint8Array(),
        storeId: new Uint8Array(),
        origin: 'made',
        nonce: new Uint8Array(),
        storeKind: layer.storeKind,
        epoch: 0,
        fenceEpoch: superblock?.fenceEpoch ?? 0,
        fenceLsn: superblock?.fenceLsn ?? Infinity,
        firstSegment: fromSegment,
        newestSegment: toSegment,
        proven: NOTHING_DURABLE,
        isLive: true,
        isCleanEnd: false,
        isWalSeparate: this.#paths.isWalSeparate,
      },
      present: new Set(Array.from({ length: toSegment - fromSegment + 1 }, (_, at) => fromSegment + at)),
      mark: NOTHING_DURABLE,
      layer,
      readsAll: false,
      untilLsn: lastLsn,
      tally,
    });
    const request = { ...this.#request(layer), readOnly: true };
    return SegmentedLog.readOnly(request, this.#paths, judgement, tally.report('clean'), new WalCounters());
  }
}
