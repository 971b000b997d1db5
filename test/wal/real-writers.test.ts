/**
 * A simulated lock is lost as its maker thought of; a kernel's is held by real processes and threads. So a real store is
 * opened twice over by both, its writer is killed, and its lock is taken away while it lives (D11).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { scratch } from '../raft-log/scratch-log.js';

const BUILT = join(import.meta.dirname, '../../dist/src/index.js');
const CHILD = join(import.meta.dirname, 'writer-child.mjs');

/** A writer in a process or a thread of its own: each order is answered by one line. */
interface Writer {
  order(text: string): Promise<string>;
  kill(): Promise<void>;
}

function processOn(dir: string): Writer {
  const child = spawn(process.execPath, [CHILD, BUILT, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    order: async (text) => {
      child.stdin.write(`${text}\n`);
      const answer = await answers.next();
      return answer.done === true ? 'gone' : answer.value;
    },
    kill: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function threadOn(dir: string): Writer {
  const worker = new Worker(CHILD, { workerData: [BUILT, dir] });
  onTestFinished(async () => {
    await worker.terminate();
  });
  return {
    order: async (text) => {
      const answered = once(worker, 'message');
      worker.postMessage(text);
      return String(((await answered) as unknown[])[0]);
    },
    kill: async () => {
      await worker.terminate();
    },
  };
}

function storeDir(): string {
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is not there. Run: npm run build`);
  return join(scratch(), 'log');
}

test.each([
  ['process', processOn],
  ['worker thread', threadOn],
])(
  'a store that is open here is refused to another %s, and free once that one has it and dies',
  async (_, on) => {
    const dir = storeDir();
    const here = await openRaftLog({ dir, segmentBytes: 8192 });
    const other = on(dir);
    expect(await other.order('open')).toBe('KEELSON_LOCKED');
    await here.save({ hardState: { term: 1 } });
    await here.close();
    expect(await other.order('open')).toBe('open 0 epoch 2');
    expect(await other.order('save')).toBe('saved 1');
    await expect(openRaftLog({ dir })).rejects.toMatchObject({ code: 'KEELSON_LOCKED' });
    await other.kill();
    const again = await openRaftLog({ dir, segmentBytes: 8192 });
    expect(again.lastIndex).toBe(1);
    await again.close();
  },
);

test.skipIf(process.platform !== 'linux')(
  'a process whose lock was taken away is fenced before it acknowledges what its successor cannot see',
  async () => {
    const dir = storeDir();
    const [first, second] = [processOn(dir), processOn(dir)];
    expect(await first.order('open')).toBe('open 0 epoch 1');
    expect(await first.order('save')).toBe('saved 1');
    expect(await second.order('open')).toBe('KEELSON_LOCKED');
    expect(await first.order('loseLock')).toBe('lost');
    expect(await first.order('save')).toBe('saved 2');
    expect(await second.order('open')).toBe('open 2 epoch 2');
    expect(await first.order('save')).toBe('KEELSON_FENCED');
    expect(await second.order('save')).toBe('saved 3');
    expect(await first.order('save')).toBe('KEELSON_FAILED');
    expect(await first.order('close')).toBe('closed');
    expect(await second.order('save')).toBe('saved 4');
    expect(await second.order('close')).toBe('closed');
    const log = await openRaftLog({ dir, readOnly: true });
    const entries = await log.entries(1, log.lastIndex + 1);
    await log.close();
    expect(entries).toHaveLength(4);
    const writers = entries.map(({ data }) => Buffer.from(data).toString().split(' of ')[1]);
    expect(writers[0]).toBe(writers[1]);
    expect(writers[2]).toBe(writers[3]);
    expect(writers[2]).not.toBe(writers[0]);
  },
);
