import type { ServerHttp2Stream } from 'node:http2';
import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Method, RaftLogCalls } from '../calls.js';
import { invalidArgument } from '../../errors/arguments.js';
import { COMPANION_CALLS_MAX, COMPANION_PART_BYTES_MAX } from '../limits.js';
import { tooMany } from '../server/refusals.js';
import { codeOf, ServedCall, type CallObserver } from './served-call.js';
import { METHODS } from './service-definition.js';
import { endOf } from './status.js';
import { UnreadAnswers } from './unread-answers.js';
import { WideWindows } from './wide-windows.js';

/** What the server looks at before a call reaches the service, and what it hears of each. */
export interface CallGuard extends CallObserver {
  /** Calls under way at one time. */
  readonly callsMax: number;
  /** Bytes of messages that have not come whole, or were not taken yet. */
  readonly partBytesMax: number;
  /** How long an answer may wait until its client takes it. */
  readonly unreadMs: number;
  /** Throws for a call that may not be made. */
  readonly checkAllowed: (metadata: Metadata) => void;
}

/** What a call may hold of a message that was not taken, however many do. */
const PART_BYTES = 65_536;

/** What all calls take together. */
interface UnderWay {
  calls: number;
  partBytes: number;
  readonly windows: WideWindows;
  readonly unread: UnreadAnswers;
}

type Listener = Parameters<ServerInterceptingCall['start']>[0];

const METHOD_AT = new Map(Object.entries(METHODS).map(([method, { path }]) => [path, method as Method]));

/**
 * Looks at each call before anything of its messages is taken in: they are as large as is allowed, and one that stays half a
 * message is a call under way. Health and reflection, which ask for no token, take little, and nothing of what is for the logs.
 *
 * And has its messages served from there: what grpc-js puts between them and a handler costs more than the call.
 */
export function servedBy(calls: RaftLogCalls, guard: CallGuard): ServerInterceptor {
  const own: UnderWay = {
    calls: 0,
    partBytes: 0,
    windows: new WideWindows(),
    unread: new UnreadAnswers(guard.unreadMs, guard.now),
  };
  const companions = { ...own, windows: new WideWindows() };
  const small = { ...guard, callsMax: COMPANION_CALLS_MAX, partBytesMax: COMPANION_PART_BYTES_MAX };
  return ({ path, requestStream }, call) => {
    const method = METHOD_AT.get(path);
    if (method === undefined) return new GuardedCall(small, companions, null, requestStream, call);
    const guarded: GuardedCall = new GuardedCall(
      guard,
      own,
      method,
      METHODS[method].requestStream,
      call,
      (listener) => new ServedCall(guarded, listener, calls, method, guard),
    );
    return guarded;
  };
}

/**
 * Stands between a call and who serves it. What of its message has not come whole grpc-js holds until it has, and tells
 * nobody: it is counted at the stream of HTTP/2. So is a whole one, as large as it is unpacked, until the service takes it.
 */
class GuardedCall extends ServerInterceptingCall implements Listener {
  /** Who hears of it, in the place of whom grpc-js would have told. */
  readonly #served: (listener: Listener) => Listener;
  #listener: Listener | null = null;
  readonly #guard: CallGuard;
  /** Of all calls. */
  readonly #underWay: UnderWay;
  /** Null for health and reflection. */
  readonly #method: Method | null;
  readonly #isStreamed: boolean;
  readonly #call: ServerInterceptingCallInterface;
  /** No public member leads there. With a release of grpc-js that renames it what is done by it is not, and no call is lost. */
  readonly #stream: ServerHttp2Stream | undefined;
  #connection: ReturnType<WideWindows['begin']> | undefined;
  #partBytes = 0;
  #wantsToRead = false;

  constructor(
    guard: CallGuard,
    underWay: UnderWay,
    method: Method | null,
    isStreamed: boolean,
    call: ServerInterceptingCallInterface,
    served: (listener: Listener) => Listener = (listener) => listener,
  ) {
    super(call);
    this.#served = served;
    this.#guard = guard;
    this.#underWay = underWay;
    this.#method = method;
    this.#isStreamed = isStreamed;
    this.#call = call;
    this.#stream = (call as unknown as { readonly stream?: ServerHttp2Stream }).stream;
  }

  override start(listener: Listener): void {
    this.#listener = this.#served(listener);
    this.#call.start(this);
  }

  override sendMessage(message: unknown, onLeft: () => void): void {
    // It has a session then. Nobody else is given more room: what lies unread there is memory.
    if (this.#method === 'saveStream' && this.#connection !== undefined)
      this.#underWay.windows.widen(this.#connection);
    const stream = this.#stream;
    this.#call.sendMessage(message, () => {
      if (stream !== undefined) this.#underWay.unread.note(stream);
      if (this.#wantsToRead) this.startRead();
      onLeft();
    });
    if (stream !== undefined) this.#underWay.unread.note(stream);
  }

  onReceiveMetadata(metadata: Metadata): void {
    const { callsMax, checkAllowed } = this.#guard;
    this.#underWay.calls += 1;
    const session = this.#stream?.session;
    if (session !== undefined) this.#connection = this.#underWay.windows.begin(session);
    try {
      if (this.#underWay.calls > callsMax) throw tooMany('calls under way', callsMax);
      if (this.#method !== null) checkAllowed(metadata);
      this.#checkEncoding();
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#stream?.on('data', this.#count);
    this.#listener?.onReceiveMetadata(metadata);
  }

  /** A message of 64 KiB would unpack to 64 MiB, before it is known whether anybody wants it; hundreds could at one time. */
  #checkEncoding(): void {
    const { incomingEncoding = 'identity' } = this.#call as { readonly incomingEncoding?: string };
    if (incomingEncoding !== 'identity')
      throw invalidArgument('grpc-encoding', incomingEncoding, 'identity: messages come as they are');
  }

  readonly #count = ({ length }: Buffer): void => {
    this.#partBytes += length;
    this.#underWay.partBytes += length;
    if (this.#partBytes > PART_BYTES && this.#underWay.partBytes > this.#guard.partBytesMax)
      this.#refuseParts(this.#stream as ServerHttp2Stream);
  };

  /** Closes it behind its status, or what came would be held for as long as the client keeps its side open. */
  #refuseParts(stream: ServerHttp2Stream): void {
    stream.off('data', this.#count);
    const close = (): void => {
      setImmediate(() => stream.destroy());
    };
    const { headersSent } = stream;
    const error = tooMany('bytes of messages that were not taken', this.#guard.partBytesMax);
    // The end of a stream is heard by who reads it.
    if (this.#isStreamed) this.#call.sendStatus(endOf(error));
    else this.#refuse(error);
    if (headersSent) stream.once('wantTrailers', close);
    else stream.end(close);
  }

  #forgetParts(): void {
    this.#underWay.partBytes -= this.#partBytes;
    this.#partBytes = 0;
  }

  /** Of a stream, the message before was taken; any other call is made when its client has nothing more to say. */
  override startRead(): void {
    if (this.#isStreamed) this.#forgetParts();
    // Reflection answers whatever comes, and holds all that is not taken.
    this.#wantsToRead = this.#method === null && (this.#stream?.writableLength ?? 0) > 0;
    if (!this.#wantsToRead) this.#call.startRead();
  }

  onReceiveMessage(message: Buffer): void {
    this.#forgetParts();
    if (this.#stream !== undefined) this.#count(message);
    // Its last bytes were too many: who sent it is told that nothing came of it.
    if (this.#stream?.writableEnded === true) return;
    this.#listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.#forgetParts();
    this.#listener?.onReceiveHalfClose();
  }

  /** It is told of every end. Its client may send on behind it; nobody holds that. */
  onCancel(): void {
    this.#underWay.calls -= 1;
    if (this.#connection !== undefined) this.#underWay.windows.end(this.#connection);
    this.#stream?.off('data', this.#count);
    if (this.#stream !== undefined) this.#underWay.unread.forget(this.#stream);
    this.#forgetParts();
    this.#listener?.onCancel();
    this.#listener = null;
  }

  #refuse(error: unknown): void {
    if (this.#method !== null) this.#guard.onEnd(this.#method, codeOf(error), 0);
    this.#call.sendStatus(endOf(error));
  }
}
