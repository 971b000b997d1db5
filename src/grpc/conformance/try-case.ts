import { difference, expanded, isFields, type Fields } from './values.js';

/** A call of a log, and what is to come of it. Other fields are its arguments. */
export interface CallStep extends Fields {
  readonly call: string;
  /** Which log of the case; one is enough for most. */
  readonly log?: string;
  /** Of the answer. */
  readonly expect?: unknown;
  /** The call is to be refused. */
  readonly error?: unknown;
  /** It has an answer, whichever: what it did is seen later. */
  readonly ends?: true;
}

/** A step of a case: a call, calls that are sent without waiting, or what becomes of the server meanwhile. */
export type Step =
  | CallStep
  | { readonly together: readonly Step[] }
  | { readonly server: keyof ServerControl };

/** What every client must do alike, as data. */
export interface ConformanceCase {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Who is tried. */
export interface Adapter {
  /** Sends a request, in this very turn; resolves to its answer. */
  ask(request: Fields): Promise<Fields>;
}

/** The server that the adapter's client speaks to. */
export interface ServerControl {
  start(): Promise<void>;
  /** As an operator ends it. */
  stop(): Promise<void>;
  /** As the system ends it. */
  kill(): Promise<void>;
}

/** What was found. */
export interface Verdict {
  readonly name: string;
  readonly outcome: 'passed' | 'unsupported' | 'failed';
  /** What is not as it must be, or not there; empty where it passed. */
  readonly why: string;
}

/** Tries a client by a case. The ordinal makes its names its own. */
export async function tryCase(
  { name, steps }: ConformanceCase,
  ordinal: number,
  adapter: Adapter,
  server: ServerControl,
): Promise<Verdict> {
  const run = new CaseRun(`case-${ordinal}-`, adapter, server);
  try {
    for (const [at, step] of steps.entries()) await run.perform(step, `step ${at + 1}`);
    await run.end();
    return { name, outcome: 'passed', why: '' };
  } catch (error) {
    await run.end().catch(() => undefined);
    const why = error instanceof Error ? error.message : String(error);
    return { name, outcome: error instanceof Unsupported ? 'unsupported' : 'failed', why };
  }
}

class Unsupported extends Error {}

class CaseRun {
  readonly #prefix: string;
  readonly #adapter: Adapter;
  readonly #server: ServerControl;
  readonly #open = new Set<string>();
  #acknowledged = 0;

  constructor(prefix: string, adapter: Adapter, server: ServerControl) {
    this.#prefix = prefix;
    this.#adapter = adapter;
    this.#server = server;
  }

  async perform(step: Step, place: string): Promise<void> {
    if ('together' in step) {
      const under: Promise<void>[] = [];
      for (const [at, one] of (step.together as readonly Step[]).entries()) {
        const performed = this.perform(one, `${place}.${at + 1}`);
        // Told when all are waited for.
        performed.catch(() => undefined);
        under.push(performed);
        if ('server' in one) await performed;
      }
      await Promise.all(under);
    } else if ('server' in step) {
      await this.#server[step.server as keyof ServerControl]();
    } else {
      await this.#call(step, place);
    }
  }

  async #call(
    { call, log = 'log', name = 'log', expect, error, ends, ...given }: CallStep,
    place: string,
  ): Promise<void> {
    const handle = this.#prefix + log;
    const which = call === 'open' ? { log: handle, name: `${this.#prefix}${String(name)}` } : { log: handle };
    if (call === 'open') this.#open.add(handle);
    const answer = await this.#adapter.ask({ call, ...which, ...(expanded(given) as Fields) });
    if (answer['unsupported'] === true) throw new Unsupported(call);
    const { ok, error: refused } = answer;
    if (isFields(ok) && call === 'save') this.#acknowledged = Number(ok['lastIndex']);
    if (ends === true) return;
    const what = `${place}, ${call}: `;
    if (error === undefined && !isFields(ok))
      throw new Error(`${what}it ended with ${JSON.stringify(refused)}, expected an answer`);
    if (error !== undefined && !isFields(refused))
      throw new Error(`${what}it was answered by ${JSON.stringify(ok)}, expected ${JSON.stringify(error)}`);
    const wrong = difference(
      error === undefined ? ok : refused,
      expanded(error ?? expect ?? {}),
      this.#acknowledged,
    );
    if (wrong !== null) throw new Error(what + wrong);
  }

  async end(): Promise<void> {
    for (const log of this.#open) await this.#adapter.ask({ call: 'close', log });
    this.#open.clear();
  }
}
