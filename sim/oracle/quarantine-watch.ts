import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { Finding } from './finding.js';

/** A copy of a torn tail, by epoch, segment and offset: the stem of its name sorts by age. */
const TAIL_COPY = /\/quarantine\/(tail-\d+-\d+-\d+)\.(bin|txt)$/;

/** Newer copies beside which an older one may be dropped. The store keeps eight; names may be lost in a crash. */
const NEWER_MIN = 6;

/** What was set aside stays; of the copies of torn tails the last few are kept (R4). */
export class QuarantineWatch {
  #durable: readonly string[] = [];

  /** `dir`: where the store stands now. Throws if something is gone that was durable at the last look and had to stay. */
  look(disk: SimulatedDisk, dir: string): void {
    const now = setAside(disk.list(), dir);
    const there = new Set(now);
    const lost = this.#durable.find((path) => !there.has(path) && !mayGo(path, now));
    this.#durable = setAside(disk.listDurable(), dir);
    if (lost === undefined) return;
    throw new Finding({ oracle: 'quarantine-shrunk', what: `${lost} is gone from the quarantine` });
  }
}

/**
 * What is in a quarantine, also where it or a folder of it is away from its name for a moment, while that is made again:
 * a process may be killed there. The store's own by their names below it, since it may be moved.
 */
function setAside(paths: readonly string[], dir: string): readonly string[] {
  return paths
    .filter((path) => path.includes('/quarantine'))
    .map((path) => (path.startsWith(`${dir}/`) ? path.slice(dir.length) : path).replaceAll('.aside/', '/'))
    .filter((path) => path.includes('/quarantine/'));
}

function mayGo(path: string, now: readonly string[]): boolean {
  const stem = TAIL_COPY.exec(path)?.[1];
  if (stem === undefined) return false;
  const newer = new Set(now.flatMap((one) => TAIL_COPY.exec(one)?.[1] ?? []).filter((one) => one > stem));
  return newer.size >= NEWER_MIN;
}
