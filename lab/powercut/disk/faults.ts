import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';

/** What a disk fails with EIO while the order stands. */
export type FaultKind = 'none' | 'writes' | 'flushes' | 'both';

const KINDS: readonly FaultKind[] = ['none', 'writes', 'flushes', 'both'];
const BYTES = 16;

/** Orders a disk to fail until a moment of the clock (`Date.now()`, which all processes share). */
export function orderFaults(path: string, kind: FaultKind, untilMs: number): void {
  const order = Buffer.alloc(BYTES);
  order.writeUInt32LE(KINDS.indexOf(kind), 0);
  order.writeDoubleLE(untilMs, 8);
  writeFileSync(path, order);
}

/** The recorder's side: asks at each write and flush. */
export class FaultOrders {
  readonly #fd: number;
  readonly #order = Buffer.alloc(BYTES);

  constructor(path: string) {
    orderFaults(path, 'none', 0);
    this.#fd = openSync(path, 'r');
  }

  fails(what: 'writes' | 'flushes'): boolean {
    if (readSync(this.#fd, this.#order, 0, BYTES, 0) < BYTES) return false;
    const kind = KINDS[this.#order.readUInt32LE(0)];
    return (kind === what || kind === 'both') && Date.now() < this.#order.readDoubleLE(8);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
