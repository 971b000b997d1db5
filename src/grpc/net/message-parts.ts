import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** What a call may hold of a message that has not come whole, however many do. */
const PART_BYTES = 65_536;

/** To be told when a message of a call was whole, and when there is no call any more. */
export interface CountedParts {
  readonly whole: () => void;
  readonly ended: () => void;
}

export const NOT_COUNTED: CountedParts = { whole: () => undefined, ended: () => undefined };

/**
 * What messages take that have not come whole, of all calls: grpc-js holds each until it has, or until the call ends, and
 * tells nobody of it. It is counted at the stream of HTTP/2 under the call.
 */
export class MessageParts {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Counts what comes of a call, until it ends. */
  count(call: ServerInterceptingCallInterface, refuse: () => void): CountedParts {
    const { stream } = call as unknown as { readonly stream?: ServerHttp2Stream };
    // No public member leads there. A release of grpc-js that renames it loses this bound, and no call.
    if (stream === undefined) return NOT_COUNTED;
    let bytes = 0;
    const take = ({ length }: Buffer): void => {
      bytes += length;
      this.#bytes += length;
      if (bytes <= PART_BYTES || this.#bytes <= this.#bytesMax) return;
      stream.off('data', take);
      // Behind its status, or what came would be held for as long as the client keeps its side open.
      const close = (): void => {
        setImmediate(() => stream.destroy());
      };
      const { headersSent } = stream;
      refuse();
      if (headersSent) stream.once('wantTrailers', close);
      else stream.end(close);
    };
    stream.on('data', take);
    const whole = (): void => {
      this.#bytes -= bytes;
      bytes = 0;
    };
    // Its client may send on behind the end; nobody holds that.
    const ended = (): void => {
      stream.off('data', take);
      whole();
    };
    return { whole, ended };
  }
}
