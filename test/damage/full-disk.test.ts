/**
 * A node on a full disk must still be able to vote, to drop what conflicts and to compact, or the whole cluster stops
 * with it (D7). A simulated disk is filled to its last byte, at every stage also under crashes, and freed again.
 */
import { describe, expect, test } from 'vitest';
import type { CrashKind } from '../../sim/disk/calls/call-kinds.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { entriesFrom } from '../raft-log/scratch-log.js';
import { PlainLog, portraitOf } from '../raft-log/plain-log.js';

const KIB = 1024;
const BALLAST = '/data/ballast';

/** What docs/reliability.md promises: bytes that saves without entries may use, and that one vote takes at most. */
const LAST_BYTES = 512;
function reserveOf(segmentBytes: number): number {
  return Math.max(KIB, Math.min(KIB * KIB, segmentBytes / 8));
}
function votesPromised(segmentBytes: number, voteBytes: number): number {
  return Math.floor((reserveOf(segmentBytes) - LAST_BYTES) / (130 + voteBytes));
}

/** A log, the disk that it fills, and what it acknowledged. */
class FullDisk {
  readonly disk: SimulatedDisk;
  readonly segmentBytes: number;
  truth: PlainLog = new PlainLog();
  log!: RaftLog;
  told: string[] = [];

  constructor(segmentBytes: number, calls: 'inline' | 'background') {
    this.segmentBytes = segmentBytes;
    const profile = { calls, capacityBytes: 12 * segmentBytes + 64 * KIB };
    this.disk = createSimulatedDisk({ seed: 1, profile, directories: ['/data'] });
    this.disk.writeFile(BALLAST, new Uint8Array(4 * segmentBytes + 32 * KIB).fill(1));
  }

  openOn(disk: SimulatedDisk): Promise<RaftLog> {
    const { environment } = disk;
    return disk.queue.runUntil(
      openRaftLog({ dir: '/data/log', segmentBytes: this.segmentBytes, environment }),
    );
  }

  async open(): Promise<void> {
    this.log = await this.openOn(this.disk);
    for (const name of ['no-space', 'space-back'] as const)
      this.log.events.on(name, () => {
        this.told.push(name);
      });
  }

  /** Does it, and notes what it leads to; false if there was no room, and then nothing of it exists. */
  async did(
    change: (state: PlainLog) => PlainLog,
    call: (log: RaftLog) => Promise<unknown>,
  ): Promise<boolean> {
    const next = change(this.truth);
    try {
      await this.disk.queue.runUntil(call(this.log));
    } catch (error) {
      if (!isKeelsonError(error, 'KEELSON_NO_SPACE')) throw error;
      expect(this.log.status).toBe('open');
      expect(await this.disk.queue.runUntil(portraitOf(this.log))).toBe(this.truth.portrait);
      return false;
    }
    this.truth = next;
    return true;
  }

  append(size: number): Promise<boolean> {
    const entries = entriesFrom(this.truth.lastIndex + 1, 1, this.truth.hardState.term, size);
    return this.did(
      (state) => state.save({ entries }),
      (log) => log.append(entries),
    );
  }

  vote(): Promise<boolean> {
    const hardState = { term: this.truth.hardState.term + 1, vote: 'node-7' };
    return this.did(
      (state) => state.save({ hardState }),
      (log) => log.setHardState(hardState),
    );
  }

  truncate(): Promise<boolean> {
    const { lastIndex } = this.truth;
    return this.did(
      (state) => state.save({ truncateFrom: lastIndex }),
      (log) => log.truncateFrom(lastIndex),
    );
  }

  snapshot(): Promise<boolean> {
    const index = this.truth.lastIndex - 1;
    const request = { index, conf: Uint8Array.of(1), data: new Uint8Array(100) };
    return this.did(
      (state) => state.createSnapshot(request),
      (log) => log.createSnapshot(request),
    );
  }

  compact(): Promise<boolean> {
    const upTo = this.truth.snapshot?.index ?? 0;
    return this.did(
      (state) => state.compact(upTo),
      (log) => log.compact(upTo),
    );
  }

  /** Takes all room that is left, but for so many bytes. */
  fillUp(freeBytes = 0): void {
    const { disk } = this;
    const held = disk.readVolatile(BALLAST)?.length ?? 0;
    const size = held + disk.fs.freeBytes - freeBytes;
    disk.writeFile(BALLAST, new Uint8Array(size).fill(1));
    expect(disk.fs.freeBytes).toBe(freeBytes);
  }

  /** Whatever ends the process here, the log opens on the disk as full as it is, and shows all of it. */
  async expectOpens(): Promise<void> {
    for (const kind of ['kill', 'power', 'kill-power'] as const satisfies readonly CrashKind[]) {
      const fork = this.disk.fork({ seed: kind });
      fork.crash(kind);
      const log = await this.openOn(fork);
      expect(await fork.queue.runUntil(portraitOf(log)), kind).toBe(this.truth.portrait);
      await fork.queue.runUntil(log.close());
    }
  }

  /** Lets so much virtual time go by. */
  wait(ms: number): Promise<void> {
    return this.disk.queue.runUntilIdle(this.disk.queue.nowMs + ms);
  }
}

async function untilRefused(run: () => Promise<boolean>): Promise<number> {
  let count = 0;
  while (await run()) count += 1;
  return count;
}

describe.each([
  [16 * KIB, 'inline'],
  [16 * KIB, 'background'],
  [64 * KIB, 'inline'],
] as const)('segments of %d bytes, calls %s', (segmentBytes, calls) => {
  async function fullOfEntries(): Promise<FullDisk> {
    const full = new FullDisk(segmentBytes, calls);
    await full.open();
    await full.vote();
    expect(await untilRefused(() => full.append(segmentBytes / 9))).toBeGreaterThan(30);
    full.fillUp();
    return full;
  }

  test('entries are refused, votes and truncation are not: as many as the page says', async () => {
    const full = await fullOfEntries();
    await full.expectOpens();
    expect(await full.append(segmentBytes / 9)).toBe(false);
    expect(await full.truncate()).toBe(true);
    const votes = await untilRefused(() => full.vote());
    expect(votes).toBeGreaterThanOrEqual(votesPromised(segmentBytes, 6) - 1);
    expect(full.told).toContain('no-space');
    await full.expectOpens();
  });

  test('one snapshot record and one compaction record fit behind the last vote; then saves work again by themselves', async () => {
    const full = await fullOfEntries();
    await untilRefused(() => full.vote());
    // The snapshot's own file needs room; its record in the log does not.
    expect(await full.snapshot()).toBe(false);
    full.fillUp(8 * KIB);
    expect(await full.snapshot()).toBe(true);
    full.fillUp();
    expect(await full.vote()).toBe(false);
    await full.expectOpens();
    full.told = [];
    expect(await full.compact()).toBe(true);
    await full.wait(2500);
    expect(full.told).toContain('space-back');
    await full.expectOpens();
    expect(await full.append(segmentBytes / 9)).toBe(true);
    expect(await full.vote()).toBe(true);
    await full.expectOpens();
  });

  test('room that somebody else frees is found by itself', async () => {
    const full = await fullOfEntries();
    expect(await full.append(segmentBytes / 9)).toBe(false);
    full.told = [];
    await full.wait(3000);
    expect(full.told).not.toContain('space-back');
    full.fillUp(3 * segmentBytes);
    await full.wait(3000);
    expect(full.told).toContain('space-back');
    expect(await full.append(segmentBytes / 9)).toBe(true);
  });
});
