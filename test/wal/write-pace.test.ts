/**
 * Inline writes make the event loop stand still while a disk is slow, writes on threads wait for the host's other work there:
 * `auto` must not stay with the slower of the two. It is led through disks and threads of every pace, in numbers alone.
 */
import { describe, expect, test } from 'vitest';
import { WritePace } from '../../src/wal/write/write-pace.js';

interface Paces {
  readonly inlineMs: number;
  readonly backgroundMs: number;
}

/** Share of `count` groups that were written inline. */
function inlineShare(pace: WritePace, { inlineMs, backgroundMs }: Paces, count: number, bytes = 100): number {
  let inline = 0;
  for (let at = 0; at < count; at += 1) {
    const mode = pace.modeFor(bytes);
    inline += mode === 'inline' ? 1 : 0;
    pace.note(mode, bytes, mode === 'inline' ? inlineMs : backgroundMs);
  }
  return inline / count;
}

describe('auto', () => {
  test('writes inline on a quick disk, and comes back to it soon behind a hiccup', () => {
    const pace = new WritePace('auto');
    expect(inlineShare(pace, { inlineMs: 0.1, backgroundMs: 0.2 }, 300)).toBe(1);
    inlineShare(pace, { inlineMs: 3, backgroundMs: 3 }, 4);
    // Threads that are busy with other work say nothing of the disk.
    expect(inlineShare(pace, { inlineMs: 0.1, backgroundMs: 40 }, 40)).toBeGreaterThan(0.7);
  });

  test('spares the event loop where the disk is slow, and tries it ever more rarely', () => {
    const pace = new WritePace('auto');
    inlineShare(pace, { inlineMs: 5, backgroundMs: 5.2 }, 1000);
    expect(inlineShare(pace, { inlineMs: 5, backgroundMs: 5.2 }, 2000)).toBeLessThan(0.01);
    expect(inlineShare(pace, { inlineMs: 200, backgroundMs: 2000 }, 2000)).toBeLessThan(0.01);
    // The disk has become quick again.
    expect(inlineShare(pace, { inlineMs: 0.1, backgroundMs: 0.2 }, 5000)).toBeGreaterThan(0.85);
  });

  test('takes a disk that is a little slow over threads that are much slower', () => {
    const pace = new WritePace('auto');
    inlineShare(pace, { inlineMs: 3, backgroundMs: 40 }, 20);
    expect(inlineShare(pace, { inlineMs: 3, backgroundMs: 40 }, 500)).toBeGreaterThan(0.95);
  });

  test('a few slow syncs among many quick ones do not drive it to threads that are slower', () => {
    const pace = new WritePace('auto');
    let inline = 0;
    for (let at = 0; at < 5000; at += 1) {
      const isHiccup = at % 50 < 2;
      inline += inlineShare(
        pace,
        isHiccup ? { inlineMs: 3, backgroundMs: 3.1 } : { inlineMs: 0.14, backgroundMs: 0.24 },
        1,
      );
    }
    expect(inline / 5000).toBeGreaterThan(0.99);
  });

  test('finds out that threads are quicker, and goes back when they are no more', () => {
    const pace = new WritePace('auto');
    inlineShare(pace, { inlineMs: 0.5, backgroundMs: 0.2 }, 4000);
    expect(inlineShare(pace, { inlineMs: 0.5, backgroundMs: 0.2 }, 2000)).toBeLessThan(0.05);
    inlineShare(pace, { inlineMs: 0.1, backgroundMs: 0.2 }, 600);
    expect(inlineShare(pace, { inlineMs: 0.1, backgroundMs: 0.2 }, 2000)).toBeGreaterThan(0.99);
  });

  test.each([
    ['one long hiccup', 1, 60],
    ['short bursts', 3, 20],
  ])('%s in a hundred groups leaves it where it is quicker, for good', (_, hiccups, hiccupMs) => {
    const pace = new WritePace('auto');
    let inline = 0;
    for (let at = 0; at < 20_000; at += 1) {
      const isHiccup = at % 100 < hiccups;
      const paces = isHiccup
        ? { inlineMs: hiccupMs, backgroundMs: hiccupMs + 0.2 }
        : { inlineMs: 0.2, backgroundMs: 0.4 };
      inline += inlineShare(pace, paces, 1);
    }
    expect(inline / 20_000).toBeGreaterThan(0.8);
  });

  test('spares the event loop where every third group hangs, though the others are quick', () => {
    const pace = new WritePace('auto');
    let inline = 0;
    for (let at = 0; at < 3000; at += 1) {
      const ms = at % 3 === 0 ? 20 : 0.2;
      inline += inlineShare(pace, { inlineMs: ms, backgroundMs: ms + 0.2 }, 1);
    }
    expect(inline / 3000).toBeLessThan(0.1);
  });

  test('judges large groups by themselves, and writes the largest on threads whatever the disk', () => {
    const pace = new WritePace('auto');
    expect(inlineShare(pace, { inlineMs: 2, backgroundMs: 2.3 }, 300, 1_000_000)).toBe(1);
    expect(inlineShare(pace, { inlineMs: 0.1, backgroundMs: 0.3 }, 100, 3_000_000)).toBe(0);
    inlineShare(pace, { inlineMs: 9, backgroundMs: 9.3 }, 2000, 1_000_000);
    expect(inlineShare(pace, { inlineMs: 9, backgroundMs: 9.3 }, 2000, 1_000_000)).toBeLessThan(0.02);
    expect(pace.modeFor(100)).toBe('inline');
  });
});

test.each(['inline', 'background'] as const)('%s stays what it was asked to be', (mode) => {
  const pace = new WritePace(mode);
  expect(inlineShare(pace, { inlineMs: 50, backgroundMs: 50 }, 300)).toBe(mode === 'inline' ? 1 : 0);
});
