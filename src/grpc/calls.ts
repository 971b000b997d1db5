import type { MessageFns, RaftLogServiceDefinition } from './generated/keelson/v1/raft_log.js';

type Methods = RaftLogServiceDefinition['methods'];

/** A call of the service. */
export type Method = keyof Methods;

type MessageOf<Codec> = Codec extends MessageFns<infer Message> ? Message : never;

/** What a call takes. */
export type RequestOf<M extends Method> = MessageOf<Methods[M]['requestType']>;
/** What it answers. */
export type ResponseOf<M extends Method> = MessageOf<Methods[M]['responseType']>;

type Given<M extends Method> = Methods[M]['requestStream'] extends true
  ? AsyncIterable<RequestOf<M>>
  : RequestOf<M>;
type Answered<M extends Method> = Methods[M]['responseStream'] extends true
  ? AsyncIterable<ResponseOf<M>>
  : Promise<ResponseOf<M>>;

/**
 * The service as a port: the server's host is one, a connection to it is one, and so is what the simulator puts between
 * the two to cut it at any message. Streams are pulled, one message at a time: who does not pull is not sent to.
 *
 * What the other side refused is its `KeelsonError`; {@link ConnectionLost} says that nobody knows what became of the call.
 */
export type RaftLogCalls = {
  readonly [M in Method]: (request: Given<M>, signal?: AbortSignal) => Answered<M>;
};

/** The other side could not be reached, or the way to it broke: the call may have been carried out, or not. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}
