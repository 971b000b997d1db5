import { integer } from '../single/figures.js';
import type { Cluster } from './cluster.js';
import type { Witness } from './witness.js';
import type { Workload } from './workload.js';

const EVERY_MS = 250;
/** Where the line cannot be written over, in a file or a pipe, fewer of them say as much. */
const EVERY_MS_IN_A_FILE = 5000;

/** One line that tells how far the run is, for as long as it runs. */
export class ClusterProgress {
  readonly #line: () => string;
  readonly #isTerminal = process.stderr.isTTY;
  readonly #timer: NodeJS.Timeout;

  constructor(killCount: number, cluster: Cluster, witness: Witness, workload: Workload) {
    const startMs = performance.now();
    this.#line = () => {
      const seconds = Math.round((performance.now() - startMs) / 1000);
      const { kills, running } = cluster;
      return (
        `${seconds} s: ${kills}/${killCount} kills, ${running.length} nodes up, leader ${witness.leader ?? '--'}, ` +
        `${integer(workload.ackedCount)} operations answered, ${witness.elections} elections, ` +
        `${witness.installs} snapshots installed   `
      );
    };
    this.#timer = setInterval(
      () => {
        process.stderr.write(this.#isTerminal ? `\r${this.#line()}` : `${this.#line().trimEnd()}\n`);
      },
      this.#isTerminal ? EVERY_MS : EVERY_MS_IN_A_FILE,
    );
  }

  /** Leaves the line, so that what follows begins on its own. */
  end(): void {
    clearInterval(this.#timer);
    process.stderr.write(this.#isTerminal ? `\r${this.#line()}\n` : `${this.#line().trimEnd()}\n`);
  }
}
