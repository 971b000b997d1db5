import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openRaftLog } from '../../../src/index.js';
import { Random, subSeed } from '../../../sim/index.js';
import { judgeRecovery } from './judge-recovery.js';
import { ENDING_SIGNALS } from './ending-signals.js';
import { readOptions, USAGE, UsageError, type DemoOptions } from './options.js';
import { Progress } from './progress.js';
import { summary } from './summary.js';
import { Tally } from './tally.js';
import { TemporaryFolder } from './temporary-folder.js';
import { readText, type Text } from './text.js';
import { Witness } from './witness.js';
import type { WriterOrders } from './writer-orders.js';
import { WriterProcess, type WriterEnd } from './writer-process.js';

/** Small, so that the log rotates often. */
const SEGMENT_BYTES = 128 * 1024;
/** How long a writer lives, from open to its kill. */
const LIFE_MS_MIN = 10;
const LIFE_MS_MAX = 500;
/** Share of kills after which the next process is killed while it recovers. */
const KILL_IN_RECOVERY = 0.25;
/** Opening takes about this long: a kill drawn in it lands before, in and after recovery. */
const OPENING_MS_MAX = 25;

const LIMIT = `This shows the death of processes: SIGKILL at any moment, after which the kernel still holds what was
written. Power cuts, where unsynced sectors are lost or torn, are the simulator's to show (keelson/sim).`;

/** Runs the demonstration of one log; resolves to the exit code. */
export async function runSingle(args: readonly string[]): Promise<number> {
  let options: DemoOptions | 'help';
  let text: Text;
  let folder: TemporaryFolder;
  try {
    options = readOptions(args);
    if (options === 'help') {
      console.log(USAGE);
      return 0;
    }
    text = readText(options.input);
    folder = new TemporaryFolder();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  const leave = (): void => {
    if (options.keep) console.log(`\nThe log is left in ${folder.path}`);
    else folder.remove();
  };
  const run = new SingleRun(options, text, folder);
  const interrupt = (): void => {
    void run.interrupt().then(() => {
      leave();
      process.exit(130);
    });
  };
  for (const signal of ENDING_SIGNALS) process.once(signal, interrupt);
  try {
    return await run.toTheEnd();
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, interrupt);
    leave();
  }
}

/** What ends a run with exit code 1. */
class Violation extends Error {
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[]) {
    super(message);
    this.problems = problems;
  }
}

class SingleRun {
  readonly #options: DemoOptions;
  readonly #text: Text;
  readonly #folder: TemporaryFolder;
  readonly #random: Random;
  readonly #witness: Witness;
  readonly #tally = new Tally();
  readonly #progress: Progress;
  #writer: WriterProcess | null = null;
  #lives = 0;

  constructor(options: DemoOptions, text: Text, folder: TemporaryFolder) {
    this.#options = options;
    this.#text = text;
    this.#folder = folder;
    this.#random = new Random(options.seed);
    this.#witness = new Witness(text);
    this.#progress = new Progress(options.killCount, this.#witness, this.#tally);
  }

  /** Ends the writer that is at work; nothing is left behind that could still write. */
  async interrupt(): Promise<void> {
    this.#writer?.kill();
    await this.#writer?.ended;
  }

  async toTheEnd(): Promise<number> {
    const { input, killCount, seed, sabotage } = this.#options;
    console.log(`Feeding ${input} (${this.#text.lineCount} lines), ${killCount} kills, seed ${seed}`);
    if (sabotage !== 'none') console.log('Sabotage: the writer acknowledges before it writes.');
    try {
      await this.#killAndJudge();
      await this.#stopAndJudge();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#progress.end();
      this.#tellViolation(error);
      return 1;
    }
    this.#progress.end();
    console.log(`\n${summary(this.#witness, this.#tally, this.#folder.bytesOnDisk())}\n`);
    console.log('Nothing acknowledged was lost, changed or invented.');
    console.log(LIMIT);
    return 0;
  }

  #tellViolation({ message, problems }: Violation): void {
    console.error(`\n${message}`);
    for (const problem of problems) console.error(`  ${problem}`);
    const { seed, sabotage } = this.#options;
    console.error(`\nAfter ${this.#tally.kills} kills, seed ${seed}. Add --keep to look at the log.`);
    if (sabotage !== 'none') console.error('The writer was told to lie (--sabotage), and it was noticed.');
  }

  async #killAndJudge(): Promise<void> {
    const { killCount } = this.#options;
    while (this.#tally.kills < killCount) {
      const lifeMs = LIFE_MS_MIN + this.#random.below(LIFE_MS_MAX - LIFE_MS_MIN);
      await this.#killWriter('open', lifeMs);
      const isAgain = this.#random.chance(KILL_IN_RECOVERY) && this.#tally.kills < killCount;
      if (isAgain) {
        await this.#killWriter('opening', this.#random.below(OPENING_MS_MAX));
        this.#tally.killsInsideRecovery += 1;
      }
      await this.#reopenAndJudge();
      this.#progress.step();
    }
  }

  /** A last life that ends in good order: then nothing may be open. */
  async #stopAndJudge(): Promise<void> {
    const writer = this.#startWriter('writing');
    await writer.said('open');
    await delay(LIFE_MS_MAX);
    writer.stop();
    const end = await writer.ended;
    if (end.code !== 0) throw writerFailed(end);
    await this.#reopenAndJudge();
    this.#checkText();
  }

  #startWriter(life: WriterOrders['life']): WriterProcess {
    this.#lives += 1;
    const orders: WriterOrders = {
      life,
      dir: join(this.#folder.path, 'log'),
      input: this.#options.input,
      seed: subSeed(this.#options.seed, this.#lives),
      segmentBytes: SEGMENT_BYTES,
      sabotage: this.#options.sabotage,
    };
    const writer = new WriterProcess(orders, (announcement) => {
      this.#witness.hear(announcement);
    });
    this.#writer = writer;
    return writer;
  }

  /** Starts a writer and kills it `lifeMs` after it has said `from`. */
  async #killWriter(from: 'opening' | 'open', lifeMs: number): Promise<void> {
    const writer = this.#startWriter(from === 'open' ? 'writing' : 'opening');
    await writer.said(from);
    const startMs = performance.now();
    await Promise.race([delay(lifeMs), writer.ended]);
    writer.kill();
    const end = await writer.ended;
    if (end.signal !== 'SIGKILL') throw writerFailed(end);
    this.#tally.kills += 1;
    if (from === 'open') this.#tally.writingMs += performance.now() - startMs;
  }

  async #reopenAndJudge(): Promise<void> {
    const dir = join(this.#folder.path, 'log');
    const log = await openRaftLog({ dir, segmentBytes: SEGMENT_BYTES }).catch((error: unknown) => {
      throw new Violation('The log did not open again:', [String(error)]);
    });
    try {
      this.#tally.countRecovery(log.recovery);
      const { problems, savesBeyond } = await judgeRecovery(log, this.#witness, this.#text);
      this.#tally.savesBeyond += savesBeyond;
      if (problems.length > 0) throw new Violation('Not what was acknowledged:', problems);
    } finally {
      await log.close();
    }
  }

  /** The committed lines are the text from its beginning, in order, over and over. */
  #checkText(): void {
    const { acked } = this.#witness;
    let next = 0;
    for (let index = 1; index <= acked.hardState.commit; index++) {
      const line = acked.line(index);
      if (line === null) continue;
      if (line !== next) throw new Violation('The text is not in order:', [`entry ${index}: line ${line}`]);
      next += 1;
    }
  }
}

function writerFailed({ code, signal, complaint }: WriterEnd): Violation {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return new Violation(`The writer ended by itself, ${how}:`, [complaint.trim()]);
}
