import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { streamUnder } from './wide-window.js';

/** What a call may hold of a message that has not come whole, however many do. */
const PART_BYTES = 65_536;

/** Of all calls: bytes of messages that have not come whole. */
export interface PartBytes {
  readonly max: number;
  held: number;
}

/**
 * What messages of one call take that have not come whole: grpc-js holds each until it has, or until the call ends, and
 * tells nobody of it. It is counted at the stream of HTTP/2 under the call.
 */
export class MessageParts {
  readonly #all: PartBytes;
  readonly #stream: ServerHttp2Stream | undefined;
  readonly #refuse: () => void;
  #bytes = 0;

  /** Counts what comes of a call, until it ends. */
  constructor(all: PartBytes, call: ServerInterceptingCallInterface, refuse: () => void) {
    this.#all = all;
    this.#refuse = refuse;
    this.#stream = streamUnder(call);
    this.#stream?.on('data', this.#take);
  }

  readonly #take = ({ length }: Buffer): void => {
    this.#bytes += length;
    this.#all.held += length;
    if (this.#bytes > PART_BYTES && this.#all.held > this.#all.max)
      this.#close(this.#stream as ServerHttp2Stream);
  };

  /** Behind its status, or what came would be held for as long as the client keeps its side open. */
  #close(stream: ServerHttp2Stream): void {
    stream.off('data', this.#take);
    const close = (): void => {
      setImmediate(() => stream.destroy());
    };
    const { headersSent } = stream;
    this.#refuse();
    if (headersSent) stream.once('wantTrailers', close);
    else stream.end(close);
  }

  whole(): void {
    this.#all.held -= this.#bytes;
    this.#bytes = 0;
  }

  /** Its client may send on behind the end; nobody holds that. */
  ended(): void {
    this.#stream?.off('data', this.#take);
    this.whole();
  }
}
