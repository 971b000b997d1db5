import { invalidArgument } from '../../errors/arguments.js';
import { firstOf, orAborted, whenAborted } from '../../errors/index.js';
import { Bell } from '../bell.js';
import type {
  Answer,
  Change,
  Saved,
  SaveStreamRequest,
  SaveStreamResponse,
} from '../generated/keelson/v1/raft_log.js';
import { ENTRIES_MAX, WINDOW_CHANGES } from '../limits.js';
import { errorMessage } from '../wire/error-message.js';
import type { LogSession } from './log-session.js';

interface Slot {
  readonly number: number;
  answer: Answer | null;
}

/** Whose changes a stream brings, and how much of them may wait. */
export interface ChangesFor {
  readonly requests: AsyncIterable<SaveStreamRequest>;
  readonly sessionOf: (first: SaveStreamRequest) => LogSession;
  /** Above so many bytes that wait for the disk, no more are read. */
  readonly queuedBytesMax: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A stream of changes, and their answers in order of their numbers, those that are there at one time together. The first
 * message, of no answer, says that the session is there.
 *
 * No further message is read while too much waits for the disk, or more answers for the client than it may be without: so the
 * stream itself slows its client down. What ends it is told behind the answers to what was taken.
 */
export class ChangeStream implements AsyncIterableIterator<SaveStreamResponse, void, undefined> {
  #slots: Slot[] = [];
  #isWelcome = false;
  #end: { readonly failure: unknown } | null = null;
  readonly #requests: AsyncIterator<SaveStreamRequest>;
  readonly #more = new Bell();
  readonly #fewer = new Bell();

  constructor({ requests, sessionOf, queuedBytesMax, signal }: ChangesFor) {
    this.#requests = requests[Symbol.asyncIterator]();
    this.#read(sessionOf, queuedBytesMax, signal).then(
      () => this.#endWith(null),
      (error: unknown) => this.#endWith(error),
    );
  }

  async #read(
    sessionOf: ChangesFor['sessionOf'],
    queuedBytesMax: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let step = await orAborted('the stream', signal, this.#requests.next());
    if (step.done === true) return;
    const session = sessionOf(step.value);
    const newer = session.beginStream();
    // Its client has the answers by the newer one, and may never read this one.
    whenAborted(newer, () => this.#drop(newer.reason));
    const { signal: ending, forget } = firstOf([signal, newer, session.ending]);
    whenAborted(ending, () => this.#endWith(ending.reason));
    try {
      this.#isWelcome = true;
      this.#more.ring();
      while (step.done !== true && this.#end === null) {
        this.#take(session, step.value);
        if (session.hosted.queuedBytes() > queuedBytesMax)
          await orAborted('the stream', ending, session.hosted.log.drained());
        while (this.#slots.length > WINDOW_CHANGES && this.#end === null) await this.#fewer.next();
        step = await this.#requests.next();
      }
    } finally {
      forget();
    }
  }

  #take(session: LogSession, { changes }: SaveStreamRequest): void {
    if (changes.length > WINDOW_CHANGES)
      throw invalidArgument('changes', changes.length, `at most ${WINDOW_CHANGES}`);
    const entries = changes.reduce((sum, change) => sum + entryCountOf(change), 0);
    if (entries > ENTRIES_MAX)
      throw invalidArgument('changes.entries', entries, `at most ${ENTRIES_MAX} in one message`);
    for (const change of changes) this.#answerWith(change.number, session.take(change));
  }

  #answerWith(number: number, saved: Promise<Saved>): void {
    const slot: Slot = { number, answer: null };
    this.#slots.push(slot);
    const settle = (outcome: Answer['outcome']): void => {
      slot.answer = { number, outcome };
      if (this.#slots[0] === slot) this.#more.ring();
    };
    saved.then(
      (value) => settle({ $case: 'saved', value }),
      (error: unknown) => settle({ $case: 'error', value: errorMessage(error) }),
    );
  }

  #endWith(failure: unknown): void {
    if (this.#end !== null) return;
    this.#end = { failure };
    this.#requests.return?.()?.catch(() => undefined);
    this.#more.ring();
    this.#fewer.ring();
  }

  /** Nobody takes what is there. */
  #drop(failure: unknown): void {
    this.#slots = [];
    this.#endWith(failure);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SaveStreamResponse, void>> {
    for (;;) {
      const answers = this.#settled();
      if (answers.length > 0 || this.#isWelcome) {
        this.#isWelcome = false;
        return { done: false, value: { answers } };
      }
      if (this.#end !== null && this.#slots.length === 0) {
        if (this.#end.failure !== null) throw this.#end.failure as Error;
        return { done: true, value: undefined };
      }
      await this.#more.next();
    }
  }

  #settled(): Answer[] {
    const answers: Answer[] = [];
    for (const { answer } of this.#slots) {
      if (answer === null) break;
      answers.push(answer);
    }
    this.#slots.splice(0, answers.length);
    this.#fewer.ring();
    return answers;
  }

  return(): Promise<IteratorResult<SaveStreamResponse, void>> {
    this.#drop(null);
    return Promise.resolve({ done: true, value: undefined });
  }
}

function entryCountOf({ change }: Change): number {
  return change?.$case === 'save' ? (change.value.entries?.sizes.length ?? 0) : 0;
}
