import { isPromise, type Awaitable } from '../../disk/port.js';
import {
  FRAME_HEADER_BYTES_MAX,
  payloadMatches,
  readFrameHeader,
  type FrameHeader,
} from '../../format/frame-header.js';
import { FrameRecords } from '../../format/frame-records.js';
import type { SegmentWindow } from './segment-window.js';

/**
 * Reads frames of a segment, wherever the caller looks for one: its header first, and, if the caller wants the frame,
 * what it covers. Says nothing of whether a frame joins what came before. Waits only where the window has to read.
 */
export class FrameCursor {
  /** Those of the frame whose payload was found whole last. */
  readonly records: FrameRecords = new FrameRecords();
  readonly #window: SegmentWindow;
  readonly #segmentBytes: number;
  readonly #salt: number;

  constructor(window: SegmentWindow, segmentBytes: number, salt: number) {
    this.#window = window;
    this.#segmentBytes = segmentBytes;
    this.#salt = salt;
  }

  /** The header at `offset`; null if none that is whole stands there. */
  header(offset: number): Awaitable<FrameHeader | null> {
    const at = this.#window.hold(offset, FRAME_HEADER_BYTES_MAX);
    return isPromise(at) ? at.then((held) => this.#headerAt(held)) : this.#headerAt(at);
  }

  #headerAt(at: number): FrameHeader | null {
    return readFrameHeader(this.#window.bytes, at, this.#salt, this.#window.dataView);
  }

  /** Null if what the header at `offset` covers is what was written, and {@link records} are those; else why not. */
  payloadFault(offset: number, header: FrameHeader): Awaitable<string | null> {
    const from = offset + header.headerBytes;
    if (from + header.payloadBytes > this.#segmentBytes) return 'the frame passes the end of its segment';
    const at = this.#window.hold(from, header.payloadBytes);
    return isPromise(at) ? at.then((held) => this.#faultAt(held, header)) : this.#faultAt(at, header);
  }

  #faultAt(at: number, header: FrameHeader): string | null {
    const { bytes, dataView, from } = this.#window;
    const until = at + header.payloadBytes;
    if (!payloadMatches(header, bytes.subarray(at, until), this.#salt))
      return 'payload checksum does not match';
    return this.records.set(bytes, dataView, at, until, header.recordCount, from)
      ? null
      : 'its records do not fill the frame';
  }
}
