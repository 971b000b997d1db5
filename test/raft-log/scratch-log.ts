import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  createSimulatedDisk,
  type SimulatedDisk,
  type SimulatedDiskOptions,
} from '../../sim/disk/simulated-disk.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';

/** A directory on the real file system, gone when the test is over. */
export function scratch(): string {
  const root = mkdtempSync(join(tmpdir(), 'keelson-log-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

/** Opens a log that is closed when the test is over, whatever became of it. */
export async function openLog(dir: string, options: Omit<RaftLogOptions, 'dir'> = {}): Promise<RaftLog> {
  const log = await openRaftLog({ dir, segmentBytes: 8192, ...options });
  onTestFinished(() => log.close());
  return log;
}

/** All that stands in a directory, down to bytes and times: two pictures are equal if nothing was touched. */
export function pictureOf(dir: string): unknown {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs, ino } = statSync(path);
      const bytes = entry.isFile() ? readFileSync(path).toString('base64') : null;
      return { path, size: entry.isFile() ? size : 0, mtimeMs, ino, bytes };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Entries of one term from `from` on, with bytes that say which they are. */
export function entriesFrom(from: number, count: number, term = 1, size = 20): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    index: from + at,
    term,
    data: dataOf(from + at, term, size),
  }));
}

export function dataOf(index: number, term: number, size = 20): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (index * 31 + term * 17 + at) & 255);
}

/** A log on a simulated disk that answers from its event queue. */
export function simulated(options: Partial<SimulatedDiskOptions> = {}): {
  readonly disk: SimulatedDisk;
  open(more?: Omit<RaftLogOptions, 'dir'>): Promise<RaftLog>;
} {
  const disk = createSimulatedDisk({
    seed: 1,
    profile: { calls: 'background' },
    directories: ['/data'],
    ...options,
  });
  return {
    disk,
    open: (more = {}) =>
      openRaftLog({ dir: '/data/log', segmentBytes: 8192, environment: disk.environment, ...more }),
  };
}

export async function bytesOf(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
