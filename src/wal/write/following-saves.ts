import type { CallMode } from '../../disk/port.js';

/** So long inline groups may follow each other before the event loop turns: as long as one of them may take. */
const TURN_MS_MAX = 1;
/** Turns for which every group waits for the end of the turn, once such a turn has brought more savers together. */
const TURNS_IN_COMPANY = 16;
/** Groups of one save, one behind the other, after which a saver counts as alone; and how often that is looked at again. */
const ALONE_AFTER = 3;
const ALONE_DOUBTED_EVERY = 64;

/**
 * Whether what is saved as soon as a group has resolved waits for the end of the turn (D2), or is written at once.
 *
 * A single saver that goes on when its save is durable has nobody to wait for, and a turn of the event loop, between two
 * syncs, costs as much as all else that is done for a save. Where several save, each from a callback of its own, the end
 * of the turn brings them together; so whoever waits there and is joined by others waits there from then on.
 *
 * The event loop turns once a millisecond all the same.
 */
export class FollowingSaves {
  /** When the first group of this turn began. */
  #turnMs = 0;
  #isTurn = true;
  #hasTime = false;
  #isInline = false;
  #turnsInCompany = 0;
  /** Groups of one save in a row. */
  #aloneInARow = 0;
  /** Saves that went to wait for the end of a turn together. */
  #waiting = 0;

  /** What is saved until all reactions have run is to be looked at then. */
  get isAwaited(): boolean {
    return this.#isInline && this.#turnsInCompany === 0;
  }

  /**
   * Nobody else is resolved by the group: what its one saver saves next may be written as soon as it stands there, without
   * waiting for the last reaction. From time to time that is waited for all the same: where it has led to others meanwhile,
   * they come together then, and from then on.
   */
  get isAlone(): boolean {
    return this.#aloneInARow >= ALONE_AFTER && this.#aloneInARow % ALONE_DOUBTED_EVERY !== 0;
  }

  /** And written, without waiting for the end of the turn. */
  get mayFollow(): boolean {
    return this.isAwaited && this.#hasTime;
  }

  /** The end of a turn has come, for so many saves. */
  noteTurn(saves: number): void {
    this.#isTurn = true;
    if (this.#waiting > 0 && saves > this.#waiting) this.#turnsInCompany = TURNS_IN_COMPANY;
    else if (this.#turnsInCompany > 0) this.#turnsInCompany -= 1;
    this.#waiting = 0;
  }

  /** A group of so many saves has been written. Threads come back in a turn of their own. */
  noteGroup(mode: CallMode, saves: number, startMs: number, ms: number): void {
    this.#aloneInARow = saves === 1 ? this.#aloneInARow + 1 : 0;
    if (this.#isTurn) this.#turnMs = startMs;
    this.#isTurn = false;
    this.#isInline = mode === 'inline';
    const nextEndsMs = startMs + 2 * ms;
    this.#hasTime = nextEndsMs - this.#turnMs <= TURN_MS_MAX;
  }

  /** So many wait for the end of a turn from now on. */
  noteWaiting(saves: number): void {
    this.#waiting = saves;
  }
}
