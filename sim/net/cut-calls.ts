import { ConnectionLost, type Method, type RaftLogCalls } from '../../src/grpc/calls.js';

/** Which side of each call is a stream: `'up'` what the client sends, `'down'` what it gets. */
const STREAMS: Readonly<Record<Method, 'none' | 'up' | 'down' | 'both'>> = {
  open: 'none',
  close: 'none',
  getState: 'none',
  save: 'none',
  saveStream: 'both',
  entries: 'down',
  createSnapshot: 'up',
  installSnapshot: 'up',
  getUpload: 'none',
  openSnapshot: 'down',
  compact: 'none',
  truncate: 'none',
  verify: 'down',
  checkpoint: 'none',
  getStats: 'none',
  watch: 'down',
};

interface CallUnderWay {
  /** The server's side of it. */
  readonly given: AbortController;
  readonly lost: Promise<never>;
  readonly lose: () => void;
}

type AnyCall = (request: unknown, signal?: AbortSignal) => Promise<unknown> & AsyncIterable<unknown>;

/**
 * A network between a log and its server that is cut: when the message of a given number is under way, all calls break
 * on both sides, and that message is lost. Messages of both directions count, those that begin and end a call too, so that
 * over all numbers each request is lost before it came, and each answer after what it answers was done.
 */
export class CutCalls {
  readonly calls: RaftLogCalls;
  /** Messages so far. */
  messages = 0;
  readonly #server: () => RaftLogCalls;
  readonly #cutsAt: readonly number[];
  readonly #onCut: () => boolean;
  readonly #underWay = new Set<CallUnderWay>();

  /**
   * @param server - the server as it is now
   * @param cutsAt - the first message has number 1
   * @param onCut - what else happens then: the server dies, for example; false if the message comes nevertheless
   */
  constructor(server: () => RaftLogCalls, cutsAt: readonly number[], onCut: () => boolean) {
    this.#server = server;
    this.#cutsAt = cutsAt;
    this.#onCut = onCut;
    const members = Object.entries(STREAMS).map(([name, streams]) => [
      name,
      this.#call(name as Method, streams),
    ]);
    this.calls = Object.fromEntries(members) as RaftLogCalls;
  }

  #call(method: Method, streams: 'none' | 'up' | 'down' | 'both'): unknown {
    const begin = (request: unknown, call: CallUnderWay): ReturnType<AnyCall> => {
      const server = this.#server();
      const given =
        streams === 'none' || streams === 'down'
          ? request
          : this.#carried(request as AsyncIterable<unknown>, call, true);
      return (server[method] as unknown as AnyCall).call(server, given, call.given.signal);
    };
    if (streams === 'none' || streams === 'up') {
      return (request: unknown, signal?: AbortSignal) =>
        this.#during(signal, async (call) => {
          this.#pass();
          const answer = await Promise.race([call.lost, begin(request, call)]);
          this.#pass();
          return answer;
        });
    }
    return (request: unknown, signal?: AbortSignal) => this.#streamed(signal, (call) => begin(request, call));
  }

  async *#streamed(
    signal: AbortSignal | undefined,
    begin: (call: CallUnderWay) => AsyncIterable<unknown>,
  ): AsyncGenerator<unknown, void> {
    const call = this.#begun(signal);
    try {
      this.#pass();
      yield* this.#carried(begin(call), call);
    } finally {
      this.#ended(call);
    }
  }

  async #during<T>(signal: AbortSignal | undefined, run: (call: CallUnderWay) => Promise<T>): Promise<T> {
    const call = this.#begun(signal);
    try {
      return await run(call);
    } finally {
      this.#ended(call);
    }
  }

  /** Messages of one direction; what a client sends is asked for while the message before it is on its way. */
  async *#carried(
    messages: AsyncIterable<unknown>,
    call: CallUnderWay,
    isAhead = false,
  ): AsyncGenerator<unknown, void> {
    const iterator = messages[Symbol.asyncIterator]();
    const ask = (): Promise<IteratorResult<unknown>> => {
      const asked = iterator.next();
      // One that nobody takes any more.
      asked.catch(() => undefined);
      return asked;
    };
    try {
      for (let next = ask(); ;) {
        const step = await Promise.race([call.lost, next]);
        if (isAhead && step.done !== true) next = ask();
        this.#pass();
        if (step.done === true) return;
        yield step.value;
        if (!isAhead) next = ask();
      }
    } finally {
      iterator.return?.()?.catch(() => undefined);
    }
  }

  #begun(signal: AbortSignal | undefined): CallUnderWay {
    const given = new AbortController();
    let lose = (): void => undefined;
    const lost = new Promise<never>((_resolve, reject) => {
      lose = () => {
        given.abort();
        reject(new ConnectionLost('the network was cut'));
      };
    });
    lost.catch(() => undefined);
    const call = { given, lost, lose };
    this.#underWay.add(call);
    if (signal?.aborted === true) lose();
    signal?.addEventListener('abort', lose);
    return call;
  }

  #ended(call: CallUnderWay): void {
    this.#underWay.delete(call);
    call.given.abort();
  }

  #pass(): void {
    this.messages += 1;
    if (!this.#cutsAt.includes(this.messages) || !this.#onCut()) return;
    for (const { lose } of this.#underWay) lose();
    throw new ConnectionLost('the network was cut');
  }
}
