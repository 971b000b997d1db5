import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ANNOUNCEMENTS_FD, Hearing, type Announcement } from './announcement.js';
import type { WriterOrders } from './writer-orders.js';

const WRITER = join(import.meta.dirname, 'writer/main.js');

/** How a writer ended, known only when its last word was heard as well. */
export interface WriterEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to standard error. */
  readonly complaint: string;
}

/** A writer, seen from the parent. */
export class WriterProcess {
  /** Resolves when the process is gone and all that it said was heard: words in the pipe outlive it. */
  readonly ended: Promise<WriterEnd>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<Announcement['is'], () => void>();

  constructor(orders: WriterOrders, hear: (announcement: Announcement) => void) {
    const child = spawn(process.execPath, [WRITER, JSON.stringify(orders)], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      // Ctrl-C is for the parent, which then ends the writer.
      detached: true,
    });
    this.#child = child;
    const hearing = new Hearing((announcement) => {
      hear(announcement);
      this.#waiting.get(announcement.is)?.();
    });
    const words = child.stdio[ANNOUNCEMENTS_FD] as Readable;
    words.setEncoding('latin1').on('data', (piece: string) => {
      hearing.receive(piece);
    });
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      complaint += piece;
    });
    // Ending the input of a process that was just killed fails; that is no news.
    child.stdin?.on('error', () => undefined);
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      complaint,
    }));
  }

  /** Resolves when this was said, or can no more be. */
  async said(what: Announcement['is']): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#waiting.set(what, resolve);
    });
    await Promise.race([heard, this.ended]);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Asks it to stop in good order. */
  stop(): void {
    this.#child.stdin?.end();
  }
}
