import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Announcement } from './announcement.js';
import type { NodeOrders } from './node-orders.js';

/** How a node's process came to its end. */
export interface NodeEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said of it, or wrote to its standard error. */
  readonly complaint: string;
}

const COMPLAINT_CHARS_MAX = 4000;

/** One life of one node. */
export class NodeProcess {
  readonly #child: ChildProcess;
  /** Resolves when the process is gone and all that it announced has been heard. */
  readonly ended: Promise<NodeEnd>;
  #complaint = '';

  constructor(orders: NodeOrders, hear: (announcement: Announcement) => void) {
    const main = join(import.meta.dirname, 'node', 'main.js');
    this.#child = spawn(process.execPath, [main, JSON.stringify(orders)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-COMPLAINT_CHARS_MAX);
    });
    // A node that is dead takes no input; that its pipe broke is no news.
    this.#child.stdin?.on('error', () => undefined);
    const lines = createInterface({ input: this.#child.stdout! });
    lines.on('line', (line) => {
      const announcement = parse(line);
      if (announcement === null) return;
      if (announcement.kind === 'ending') this.#complaint = announcement.text;
      hear(announcement);
    });
    const allHeard = new Promise<void>((resolve) => lines.once('close', resolve));
    const gone = new Promise<Omit<NodeEnd, 'complaint'>>((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        resolve({ code, signal });
      });
    });
    this.ended = Promise.all([gone, allHeard]).then(([end]) => ({
      ...end,
      complaint: this.#complaint.trim(),
    }));
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Asks it to stop in good order. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }
}

/** The last line of a process that was killed may be half a line. */
function parse(line: string): Announcement | null {
  try {
    return JSON.parse(line) as Announcement;
  } catch {
    return null;
  }
}
