import type { EventEmitter } from 'eventemitter3';
import type { RaftLogEventMap } from '../events.js';

/**
 * Tells an event to its listeners. One that throws never harms the write that caused the event: its error is
 * dropped, and the listeners after it are skipped for this one event.
 */
export function tellListeners<E extends keyof RaftLogEventMap>(
  emitter: EventEmitter<RaftLogEventMap>,
  event: E,
  ...told: Parameters<RaftLogEventMap[E]>
): void {
  try {
    emitter.emit(event, ...(told as EventEmitter.EventArgs<RaftLogEventMap, E>));
  } catch {
    // Thrown past here, it would reject a save that is on stable storage; thrown into the event loop, it
    // would end the process. Listeners that can fail handle it themselves.
  }
}
