import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { DiskRecord, Journal } from '../disk/journal.js';
import type { CutPlan } from './cut-plan.js';
import { durableRecords, openWrites, survivingPieces } from './pieces.js';

/** Copies an image without filling its holes. */
export function copyImage(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['--sparse=always', from, to], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`cp ${from} ${to}: ${stderr}`);
}

/**
 * What the medium of one journal holds for certain, moved forward from flush to flush; images of cuts are taken from
 * it. Cuts must come in the order of their places.
 */
export class Medium {
  readonly #journal: Journal;
  readonly #path: string;
  readonly #fd: number;
  #laid = 0;

  constructor(base: string, journal: Journal, path: string) {
    copyImage(base, path);
    this.#journal = journal;
    this.#path = path;
    this.#fd = openSync(path, 'r+');
  }

  /** Makes the image that the plan leaves behind. */
  cut(plan: CutPlan, image: string): void {
    const { records } = this.#journal;
    const open = new Set<DiskRecord>(openWrites(records, plan.at));
    const durable = durableRecords(records, plan.at);
    if (durable < this.#laid)
      throw new RangeError(`cut at ${plan.at}, but ${this.#laid} records are laid down`);
    for (; this.#laid < durable; this.#laid += 1) this.#lay(this.#fd, records[this.#laid]!);
    copyImage(this.#path, image);
    const fd = openSync(image, 'r+');
    // Of two disks one may have been flushed behind what the other still holds back.
    for (const record of records.slice(durable, plan.at)) if (!open.has(record)) this.#lay(fd, record);
    for (const { write, from, until } of survivingPieces(records, plan))
      writeSync(fd, this.#journal.bytes(write), from, until - from, write.position + from);
    closeSync(fd);
  }

  remove(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }

  #lay(fd: number, record: DiskRecord): void {
    if (record.kind === 'write')
      writeSync(fd, this.#journal.bytes(record), 0, record.length, record.position);
  }
}
