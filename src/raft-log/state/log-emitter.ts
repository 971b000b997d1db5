import { inspect } from 'node:util';
import { EventEmitter } from 'eventemitter3';
import type { Environment } from '../../disk/environment.js';
import { outsideData } from '../../snapshot/inside-data.js';
import type { RaftLogEventMap } from '../events.js';
import { CHANNELS, type ChannelMessage } from './channels.js';

type EventName = keyof RaftLogEventMap;
type Listener<E extends EventName> = EventEmitter.EventListener<RaftLogEventMap, E>;
/** What an emitter calls: it hands its context over as `this`. */
type Called = (this: unknown, ...told: unknown[]) => unknown;

/** What of the outside world a listener that fails needs. */
export type ListenerEnvironment = Pick<Environment, 'endOfTurn' | 'warn'>;

/**
 * The events of one log. Listeners are code of the host that runs inside the writer: whatever one throws, at once or
 * by the promise that it returns, reaches neither the save that is told of, which is on stable storage, nor the
 * listeners behind it, nor the process. It is a warning of a later turn.
 *
 * Each listener stands behind a guard, which the emitter knows in its place; by the listener the guard is found again.
 */
export class LogEmitter extends EventEmitter<RaftLogEventMap> {
  readonly #environment: ListenerEnvironment;
  readonly #log: string;
  readonly #guards = new Map<EventName, WeakMap<object, Called>>();

  /** @param log - whose events they are, for the channels of the process */
  constructor(environment: ListenerEnvironment, log: string) {
    super();
    this.#environment = environment;
    this.#log = log;
  }

  /** Tells an event; never throws. A listener is no part of a stream whose pull led to the event. */
  tell<E extends EventName>(event: E, ...told: Parameters<RaftLogEventMap[E]>): void {
    const published = CHANNELS[event];
    if (published.hasSubscribers)
      published.publish({ log: this.#log, told: told[0] } satisfies ChannelMessage);
    outsideData(() => this.emit(event, ...(told as EventEmitter.EventArgs<RaftLogEventMap, E>)));
  }

  override on<E extends EventName>(event: E, listener: Listener<E>, context?: unknown): this {
    return super.on(event, this.#guarded(event, listener), context);
  }
  override addListener<E extends EventName>(event: E, listener: Listener<E>, context?: unknown): this {
    return this.on(event, listener, context);
  }
  override once<E extends EventName>(event: E, listener: Listener<E>, context?: unknown): this {
    return super.once(event, this.#guarded(event, listener), context);
  }
  override off<E extends EventName>(
    event: E,
    listener?: Listener<E>,
    context?: unknown,
    once?: boolean,
  ): this {
    // The emitter itself takes a guard that was to run once away, by the guard.
    const guard = listener && this.#guards.get(event)?.get(listener);
    return super.off(event, guard ?? listener, context, once);
  }
  override removeListener<E extends EventName>(
    event: E,
    listener?: Listener<E>,
    context?: unknown,
    once?: boolean,
  ): this {
    return this.off(event, listener, context, once);
  }

  /** The guard of a listener, one for each event, so that it is found however often it was added. */
  #guarded<E extends EventName>(event: E, listener: Listener<E>): Listener<E> {
    // The emitter says what is wrong with what is no function.
    if (typeof listener !== 'function') return listener;
    const guards = this.#guards.get(event) ?? new WeakMap<object, Called>();
    this.#guards.set(event, guards);
    const guard = guards.get(listener) ?? this.#guardOf(event, listener as Called);
    guards.set(listener, guard);
    return guard;
  }

  #guardOf(event: EventName, listener: Called): Called {
    let hasFailed = false;
    const failed = (error: unknown): void => {
      // Once: what fails at every sync would otherwise fill the host's own log.
      if (hasFailed) return;
      hasFailed = true;
      this.#warn(event, error);
    };
    return function (this: unknown, ...told: unknown[]): void {
      try {
        const returned = listener.apply(this, told);
        if (typeof returned === 'object' && returned !== null) Promise.resolve(returned).catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  }

  #warn(event: EventName, error: unknown): void {
    const detail = shown(error);
    const [first = ''] = detail.split('\n', 1);
    const message = `a listener of '${event}' failed: ${first}. The log goes on; catch it in the listener. It is told of once.`;
    this.#environment.endOfTurn(() =>
      this.#environment.warn?.({ code: 'KEELSON_LISTENER', message, detail }),
    );
  }
}

/** What was thrown may be anything, also what throws when it is looked at. */
function shown(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return 'something that cannot be shown';
  }
}
