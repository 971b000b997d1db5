/** One range of bytes that a sync made durable, or that something else may have changed. */
export interface RecordedRange {
  readonly from: number;
  readonly until: number;
  /** Place of its write in the order of all changes. */
  readonly issuedAt: number;
}

interface RecordedEvent {
  readonly ino: number;
  readonly ranges: readonly RecordedRange[];
  /** Place of the sync's return in that order; null if the ranges are no longer what a sync made durable. */
  readonly syncedAt: number | null;
  /** Size of the file that the sync made durable. */
  readonly size: number;
}

/** One successful sync of a file. */
export interface RecordedSync {
  readonly syncedAt: number;
  readonly size: number;
  readonly ranges: readonly RecordedRange[];
}

/** One sector that rot may hit within the budget. */
export interface RotCandidate {
  readonly ino: number;
  readonly sector: number;
}

interface SectorFacts {
  readonly issuedAt: number;
  readonly syncedAt: number;
}

/**
 * What was durable at each successful sync, as the simulator itself saw it. An injector of damage asks this
 * record, and never the store's own marks, whether a hit is one that the store must find.
 */
export class DurabilityRecord {
  #events: RecordedEvent[] = [];

  /** A sync returned: these ranges are durable. */
  synced(ino: number, ranges: readonly RecordedRange[], size: number, syncedAt: number): void {
    this.#events.push({ ino, ranges, syncedAt, size });
  }

  /** These ranges may have changed without a sync (a crash, a failed sync, damage): nothing is said of them now. */
  forgotten(ino: number, ranges: readonly RecordedRange[]): void {
    if (ranges.length > 0) this.#events.push({ ino, ranges, syncedAt: null, size: 0 });
  }

  /**
   * The sectors that rot may hit: what they hold was made durable by a sync that returned before something
   * else was written, to a file in `witnesses` and outside the sector, that is durable by a later sync.
   */
  rotCandidates(
    inos: ReadonlySet<number>,
    witnesses: ReadonlySet<number>,
    sectorBytes: number,
  ): RotCandidate[] {
    const facts = this.#sectorFacts(sectorBytes);
    let lastWitness = -1;
    for (const [ino, sectors] of facts) {
      if (!witnesses.has(ino)) continue;
      for (const { issuedAt } of sectors.values()) lastWitness = Math.max(lastWitness, issuedAt);
    }
    const candidates: RotCandidate[] = [];
    for (const [ino, sectors] of facts) {
      if (!inos.has(ino)) continue;
      for (const [sector, { syncedAt }] of sectors) {
        if (syncedAt < lastWitness) candidates.push({ ino, sector });
      }
    }
    return candidates;
  }

  /** The successful syncs of one file, oldest first. */
  syncsOf(ino: number): readonly RecordedSync[] {
    const syncs: RecordedSync[] = [];
    for (const { ino: other, ranges, syncedAt, size } of this.#events) {
      if (other === ino && syncedAt !== null) syncs.push({ syncedAt, size, ranges });
    }
    return syncs;
  }

  clone(): DurabilityRecord {
    const copy = new DurabilityRecord();
    copy.#events = this.#events.slice();
    return copy;
  }

  #sectorFacts(sectorBytes: number): Map<number, Map<number, SectorFacts>> {
    const facts = new Map<number, Map<number, SectorFacts>>();
    for (const { ino, ranges, syncedAt } of this.#events) {
      const sectors = facts.get(ino) ?? new Map<number, SectorFacts>();
      facts.set(ino, sectors);
      for (const { from, until, issuedAt } of ranges) {
        for (let sector = Math.floor(from / sectorBytes); sector * sectorBytes < until; sector++) {
          if (syncedAt === null) sectors.delete(sector);
          else sectors.set(sector, { issuedAt, syncedAt });
        }
      }
    }
    return facts;
  }
}
