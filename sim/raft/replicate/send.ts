import { type Message, type Outgoing, WAITS_FOR_SAVE } from '../messages.js';
import type { Server } from '../host/server.js';

/** Puts sender and term on a message and queues it behind the save that it must wait for, if it must. */
export function send(server: Server, outgoing: Outgoing): void {
  // A Message is an Outgoing with its envelope closed; TypeScript does not see that through the union.
  const message = { term: server.term, ...outgoing, from: server.id } as Message;
  if (WAITS_FOR_SAVE[message.type]) server.outbox.messagesAfterSave.push(message);
  else server.outbox.messages.push(message);
}
