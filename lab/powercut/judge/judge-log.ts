import { dirname } from 'node:path';
import { isKeelsonError, nodeEnvironment, openRaftLog, type RaftLog } from '../../../src/index.js';
import { command } from '../file-system/command.js';
import { giveRoom } from '../life/ballast.js';
import { makeCall } from '../life/make-call.js';
import { nextSave } from '../life/next-call.js';
import type { Notebook } from '../life/notebook.js';
import { logOptions, roomOf, type LogPlace } from '../log-options.js';
import { after, lastIndex, type LogState } from '../model/model-log.js';
import type { Past } from '../model/past.js';
import type { Random } from '../random.js';
import { firstDifference } from './first-difference.js';
import { keptCalls } from './kept-calls.js';
import { showLog } from './shown-log.js';

/** What came of a cut. `no-room`: on a full disk the log could only be opened once there was room. */
export type Outcome =
  | { readonly what: 'held'; readonly hadNoRoom: boolean }
  | { readonly what: 'violation'; readonly text: string }
  /** The file system, or the disk, refuses: its own damage where blocks were torn, and else not to be had. */
  | { readonly what: 'refused'; readonly text: string };

const MORE_SAVES = 15;

/**
 * Holds a recovered log against its past: the state is one of those allowed; verified it is sound; a second open is
 * clean and shows the same; it takes more saves and a snapshot; and a third, which reads everything, shows those too.
 * Takes notes like a writer, so that its own run can be cut as well.
 */
export class LogJudge {
  readonly #log: LogPlace;
  readonly #past: Past;
  readonly #notebook: Notebook;
  readonly #random: Random;
  #hadNoRoom = false;

  constructor(log: LogPlace, past: Past, notebook: Notebook, random: Random) {
    this.#log = log;
    this.#past = past;
    this.#notebook = notebook;
    this.#random = random;
  }

  async judge(): Promise<Outcome> {
    try {
      const state = await this.#recovered();
      this.#giveRoom();
      const grown = await this.#reopenedAndGrown(state);
      await this.#readWhole(grown);
      return { what: 'held', hadNoRoom: this.#hadNoRoom };
    } catch (error) {
      if (error instanceof Violation) return { what: 'violation', text: error.message };
      if (isKeelsonError(error) && error.family === 'environment')
        return { what: 'refused', text: `${error.code}: ${error.message}` };
      return { what: 'violation', text: String(error) };
    }
  }

  async #recovered(): Promise<LogState> {
    await using log = await this.#openInRoom();
    const at = this.#notebook.records;
    const judgement = keptCalls(await showLog(log), this.#past);
    if ('difference' in judgement) throw new Violation(judgement.difference);
    this.#notebook.note({ at, what: 'opened', kept: judgement.kept, more: judgement.kept > this.#past.owed });
    const { verdict, damage } = await log.verify();
    if (verdict !== 'sound') throw new Violation(`verify found damage: ${JSON.stringify(damage)}`);
    return judgement.state;
  }

  async #openInRoom(): Promise<RaftLog> {
    try {
      return await this.#open();
    } catch (error) {
      if (!isKeelsonError(error) || error.code !== 'KEELSON_NO_SPACE') throw error;
      this.#hadNoRoom = true;
      this.#giveRoom();
      return this.#open();
    }
  }

  /** Some file systems give room back only with their next commit. */
  #giveRoom(): void {
    const room = roomOf(this.#log);
    giveRoom(room);
    command('sync', '--file-system', dirname(room));
  }

  async #reopenedAndGrown(state: LogState): Promise<LogState> {
    await using log = await this.#open();
    if (log.recovery.verdict !== 'clean')
      throw new Violation(`the second open is '${log.recovery.verdict}', expected 'clean'`);
    mustShow('the second open', firstDifference(await showLog(log), state));
    let grown = state;
    for (let left = MORE_SAVES; left > 0; left -= 1) {
      const call = nextSave(this.#random, grown);
      const seq = this.#notebook.asked(call);
      await makeCall(log, call);
      this.#notebook.answered(seq);
      grown = after(grown, call);
    }
    return await this.#withSnapshot(log, grown);
  }

  async #withSnapshot(log: RaftLog, state: LogState): Promise<LogState> {
    const index = lastIndex(state);
    if (index < state.firstIndex || index <= (state.snapshot?.index ?? 0)) return state;
    const call = { name: 'snapshot', index, id: this.#random.seed(), bytes: 3_000 } as const;
    const seq = this.#notebook.asked(call);
    await makeCall(log, call);
    this.#notebook.answered(seq);
    return after(state, call);
  }

  async #readWhole(state: LogState): Promise<void> {
    await using log = await openRaftLog({
      ...logOptions(this.#log, nodeEnvironment()),
      verifyOnOpen: 'all',
    });
    mustShow('the third open', firstDifference(await showLog(log), state));
  }

  #open(): Promise<RaftLog> {
    this.#notebook.note({ at: this.#notebook.records, what: 'opening' });
    return openRaftLog(logOptions(this.#log, nodeEnvironment()));
  }
}

class Violation extends Error {}

function mustShow(who: string, difference: string | null): void {
  if (difference !== null) throw new Violation(`${who}: ${difference}`);
}
