import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { RaftLogCalls } from '../../src/grpc/calls.js';
import type { Change, OpenRequest, Session } from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { connectTo } from '../../src/grpc/net/connect-raft-log.js';
import type { ReadEntry } from '../../src/raft-log/contract.js';
import { packEntries } from '../../src/grpc/wire/entry-batch.js';
import { ConnectionLost } from '../../src/grpc/calls.js';

/** The calls of a server, as a client that is not ours would make them. */
export function rawCalls(port: number): RaftLogCalls {
  const { calls, close } = connectTo(`127.0.0.1:${port}`, {});
  onTestFinished(close);
  return calls;
}

/** Opens a log. */
export async function opened(calls: RaftLogCalls, given: Partial<OpenRequest> = {}): Promise<Session> {
  const request = { name: 'a', sessionId: randomBytes(16), takeOver: false, ...given };
  const { epoch } = await calls.open(request);
  return { name: request.name, id: request.sessionId, epoch };
}

/** An entry of term 1. */
export function entryAt(index: number): ReadEntry {
  return { index, term: 1, kind: 0, data: Buffer.from(String(index)) };
}

/** A change that appends one entry, and sets the term. */
export function appending(number: number, index: number, more: Partial<Change> = {}): Change {
  const value = {
    entries: packEntries([entryAt(index)]),
    hardState: { term: 1, clearsVote: false },
    stable: [],
  };
  return { number, answered: 0, change: { $case: 'save', value }, ...more };
}

/** What a call rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('it resolved'),
    (error: unknown) => (error instanceof Error ? error : new ConnectionLost(String(error))),
  );
}

/** All that a stream brings. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of stream) found.push(one);
  return found;
}

/** A message as a stream of HTTP/2 carries it. */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
