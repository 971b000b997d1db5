import { Bell } from '../bell.js';
import type { Answer, Saved } from '../generated/keelson/v1/raft_log.js';
import { errorMessage } from '../wire/error-message.js';

interface Slot {
  readonly number: number;
  answer: Answer | null;
}

/** The answers of one stream, in order of their numbers, those that are there at one time together. */
export class AnswerBatches {
  #slots: Slot[] = [];
  #isEnded = false;
  #failure: Error | null = null;
  readonly #more = new Bell();
  readonly #fewer = new Bell();

  add(number: number, saved: Promise<Saved>): void {
    const slot: Slot = { number, answer: null };
    this.#slots.push(slot);
    const settle = (outcome: Answer['outcome']): void => {
      slot.answer = { number, outcome };
      if (this.#slots[0] === slot) this.#more.ring();
    };
    saved.then(
      (value) => {
        settle({ $case: 'saved', value });
      },
      (error: unknown) => {
        settle({ $case: 'error', value: errorMessage(error) });
      },
    );
  }

  /** No more is added: the batches end behind the last answer, with an error if one is given. */
  end(failure: Error | null = null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#failure = failure;
    this.#more.ring();
    this.#fewer.ring();
  }

  /** Nobody takes what is there. */
  drop(failure: Error | null = null): void {
    this.#slots = [];
    this.end(failure);
  }

  /** Waits until no more than so many are there that nobody took, or until the end. */
  async whenAtMost(most: number): Promise<void> {
    while (this.#slots.length > most && !this.#isEnded) await this.#fewer.next();
  }

  async *batches(): AsyncGenerator<Answer[], void> {
    for (;;) {
      const batch = this.#settled();
      if (batch.length > 0) {
        yield batch;
      } else if (this.#isEnded && this.#slots.length === 0) {
        if (this.#failure !== null) throw this.#failure;
        return;
      } else {
        await this.#more.next();
      }
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
}
