import { integer } from './figures.js';
import type { Tally } from './tally.js';
import type { Witness } from './witness.js';

const EVERY_MS = 250;
/** Where the line cannot be written over, in a file or a pipe, fewer of them say as much. */
const EVERY_KILLS = 10;

/** One line that tells how far the run is. */
export class Progress {
  readonly #killCount: number;
  readonly #witness: Witness;
  readonly #tally: Tally;
  readonly #isTerminal = process.stderr.isTTY;
  #saidMs = 0;

  constructor(killCount: number, witness: Witness, tally: Tally) {
    this.#killCount = killCount;
    this.#witness = witness;
    this.#tally = tally;
  }

  /** A recovery was judged. */
  step(): void {
    const { kills } = this.#tally;
    if (this.#isTerminal) {
      if (performance.now() - this.#saidMs < EVERY_MS && kills < this.#killCount) return;
      this.#saidMs = performance.now();
      process.stderr.write(`\r${this.#line()}`);
    } else if (kills % EVERY_KILLS === 0 || kills >= this.#killCount) {
      process.stderr.write(`${this.#line()}\n`);
    }
  }

  /** Leaves the line, so that what follows begins on its own. */
  end(): void {
    if (this.#isTerminal) process.stderr.write('\n');
  }

  #line(): string {
    const { entriesAcked, rotations, snapshots } = this.#witness.counts;
    const { kills } = this.#tally;
    return (
      `${kills}/${this.#killCount} kills, ${integer(entriesAcked)} entries acknowledged, ` +
      `${rotations} rotations, ${snapshots} snapshots, all held   `
    );
  }
}
