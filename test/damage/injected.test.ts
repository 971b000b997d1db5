/**
 * Faults that a simulated disk makes are faults that its maker thought of. So system calls of a real process are made to
 * fail from outside, one after the other; it must answer each by name, never crash, and lose nothing acknowledged.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SaveRequest } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { dataOf } from '../raft-log/scratch-log.js';
import { PlainLog, portraitOf } from '../raft-log/plain-log.js';
import { callsBelow, injecting, runTraced, type Injection } from './strace.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
const BUILT = join(import.meta.dirname, '../../dist/src/index.js');
const CHILD = join(import.meta.dirname, 'injected-child.mjs');

/** Each call that the log makes on its own files, and the codes by which it is made to fail. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  pwrite64: ['EIO', 'ENOSPC'],
  fdatasync: ['EIO', 'ENOSPC'],
  fsync: ['EIO', 'EMFILE'],
  openat: ['EMFILE', 'EIO', 'ENOSPC'],
  pread64: ['EIO'],
  rename: ['EIO', 'ENOSPC'],
  unlink: ['EIO'],
  mkdir: ['ENOSPC', 'EIO'],
  getdents64: ['EIO'],
  statx: ['EIO'],
  fcntl: ['EIO'],
  close: ['EIO'],
};
/** In a quick run one call in so many fails, and of each kind and code the last. */
const STEP = 53;

type Step =
  | { readonly kind: 'open' | 'read' }
  | { readonly kind: 'save'; readonly request?: SaveRequest; readonly entries?: readonly Sized[] }
  | { readonly kind: 'snapshot'; readonly index: number; readonly size: number }
  | { readonly kind: 'compact'; readonly upTo: number };

interface Sized {
  readonly index: number;
  readonly term: number;
  readonly size: number;
}

const sized = (index: number, term: number, ...sizes: number[]): Sized[] =>
  sizes.map((size, at) => ({ index: index + at, term, size }));

/** Rotations, a conflict, snapshots, compaction, a second open; small, since it is lived many times. */
const STEPS: readonly Step[] = [
  { kind: 'open' },
  { kind: 'save', request: { hardState: { term: 1, vote: 'n1' } } },
  { kind: 'save', entries: sized(1, 1, 900, 900) },
  { kind: 'save', entries: sized(3, 1, 1900) },
  {
    kind: 'save',
    request: { hardState: { term: 2, vote: 'n2', commit: 2 } },
    entries: sized(3, 2, 1800, 30),
  },
  { kind: 'read' },
  { kind: 'snapshot', index: 2, size: 300 },
  { kind: 'save', entries: sized(5, 2, 1900) },
  { kind: 'compact', upTo: 2 },
  { kind: 'save', request: { truncateFrom: 5 } },
  { kind: 'save', entries: sized(5, 2, 1700) },
  { kind: 'open' },
  { kind: 'snapshot', index: 4, size: 200 },
  { kind: 'compact', upTo: 4 },
  { kind: 'save', entries: sized(6, 2, 1900) },
  { kind: 'save', entries: sized(7, 2, 10, 1500) },
  { kind: 'read' },
];

function after(state: PlainLog, step: Step): PlainLog {
  switch (step.kind) {
    case 'open':
    case 'read':
      return state;
    case 'save': {
      const entries = step.entries?.map(({ index, term, size }) => ({
        index,
        term,
        data: dataOf(index, term, size),
      }));
      return state.save({ ...step.request, ...(entries === undefined ? {} : { entries }) });
    }
    case 'snapshot': {
      const { index, size } = step;
      return state.createSnapshot({ index, conf: dataOf(index, 0, 5), data: dataOf(index, 1, size) });
    }
    case 'compact':
      return state.compact(step.upTo);
  }
}

/** `STATES[n]`: what is there behind the first n steps. */
const STATES: readonly PlainLog[] = STEPS.reduce<PlainLog[]>(
  (states, step) => [...states, after(states[states.length - 1] as PlainLog, step)],
  [new PlainLog()],
);

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'keelson-injected-'));
  writeFileSync(join(home, 'steps.json'), JSON.stringify(STEPS));
});
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

function childArgs(dir: string, ending: 'closes' | 'dies'): readonly string[] {
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is not there. Run: npm run build`);
  return [CHILD, BUILT, dir, join(home, 'steps.json'), ending];
}

/** Lives the life with that fault in it; the promise is judged by another process, on a sound disk. */
async function liveWith(injection: Injection, name: string): Promise<'unharmed' | 'refused' | 'latched'> {
  const dir = join(home, name);
  const ending = injection.nth % 2 === 0 ? 'closes' : 'dies';
  const own = { ...injection, paths: injection.paths.map((path) => path.replace(/^.*?\/sound/, dir)) };
  const { code, stdout, stderr } = await runTraced(
    childArgs(dir, ending),
    join(home, `${name}.trace`),
    injecting(own),
  );
  expect({ code, stderr: stderr.replace(/^.*npm warn.*\n?/gm, '') }, stdout).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines.at(-1)).toBe('over');
  const acked = lines.filter((line) => line.startsWith('acked')).length;
  const failed = lines.filter((line) => line.startsWith('failed'));
  const log = await openRaftLog({ dir, segmentBytes: 4096 });
  const shown = await portraitOf(log);
  await log.close();
  const allowed = STATES.slice(acked, acked + 2).map(({ portrait }) => portrait);
  expect(allowed, stdout).toContain(shown);
  rmSync(dir, { recursive: true });
  if (acked === STEPS.length) return failed.length === 0 ? 'unharmed' : 'refused';
  return 'latched';
}

async function soundLife(): Promise<ReturnType<typeof callsBelow> | string> {
  const dir = join(home, 'sound');
  const traceFile = join(home, 'sound.trace');
  const traced = ['-y', '-e', `trace=${Object.keys(CODES).join(',')}`];
  const { code, stdout, stderr } = await runTraced(childArgs(dir, 'closes'), traceFile, traced);
  if (code !== 0 || !stdout.endsWith('over\n')) return stderr;
  return callsBelow(dir, traceFile);
}

describe('system calls that fail from outside', () => {
  test('each is answered by name, and nothing acknowledged is lost', async ({ skip }) => {
    const sound = await soundLife();
    if (typeof sound === 'string') return skip(`strace cannot be used here: ${sound.trim()}`);
    const { paths, counts } = sound;
    const rows: string[] = [];
    const all = new Map<string, number>();
    let turn = 0;
    for (const [call, codes] of Object.entries(CODES)) {
      for (const code of codes) {
        const tally = { unharmed: 0, refused: 0, latched: 0 };
        for (let nth = 1; nth <= (counts.get(call) ?? 0); nth += 1) {
          turn += 1;
          if (!IS_DEEP && turn % STEP !== 0 && nth !== counts.get(call)) continue;
          const name = `${call}-${code}-${nth}`;
          try {
            tally[await liveWith({ call, code, nth, paths }, name)] += 1;
          } catch (cause) {
            throw new Error(`${code} at ${call} number ${nth}: ${String(cause)}`, { cause });
          }
        }
        for (const [name, count] of Object.entries(tally)) all.set(name, (all.get(name) ?? 0) + count);
        rows.push(`| ${call} | ${code} | ${tally.unharmed} | ${tally.refused} | ${tally.latched} |`);
      }
    }
    expect(counts.get('pwrite64')).toBeGreaterThan(30);
    for (const outcome of ['unharmed', 'refused', 'latched'])
      expect(all.get(outcome), outcome).toBeGreaterThan(0);
    if (process.env['KEELSON_TALLY'] === '1') process.stdout.write(`\n${rows.join('\n')}\n`);
    return undefined;
  });
});
