/**
 * At stake: nodes that apply the same entries must come to the same state, and a retry must not be applied twice, also
 * across a snapshot. Tried by applying commands, cutting snapshots into chunks of any size, and comparing hashes.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Command } from '../../examples/kv/generated/keelson/examples/kv/v1/state.js';
import { KeyValueState, type Outcome, SESSIONS_MAX } from '../../examples/kv/state/key-value-state.js';
import { ENTRY_KIND } from '../../sim/raft/index.js';

function write(
  state: KeyValueState,
  clientId: string,
  sequence: number,
  key: string,
  value?: string,
): Outcome | null {
  const command = { clientId, sequence, key, value: value === undefined ? undefined : Buffer.from(value) };
  const index = state.applied + 1;
  return state.apply({ index, term: 1, kind: ENTRY_KIND.command, data: Command.encode(command).finish() });
}

function text(state: KeyValueState, key: string): string | null {
  const pair = state.get(key);
  return pair === undefined ? null : Buffer.from(pair.value).toString();
}

async function bytesOf(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* cut(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
}

describe('the state of a node', () => {
  test('applies a write once, however often it comes', () => {
    const state = new KeyValueState();
    expect(write(state, 'c', 1, 'a', 'one')).toEqual({ kind: 'written', revision: 1 });
    expect(write(state, 'd', 1, 'a', 'two')).toEqual({ kind: 'written', revision: 2 });
    expect(write(state, 'c', 1, 'a', 'one')).toEqual({ kind: 'written', revision: 1 });
    expect(text(state, 'a')).toBe('two');
    expect(state.get('a')?.revision).toBe(2);
  });

  test('refuses an old copy of an earlier write, and a client that it has forgotten', () => {
    const state = new KeyValueState();
    write(state, 'c', 1, 'a', 'one');
    write(state, 'c', 2, 'a', 'two');
    expect(write(state, 'c', 1, 'a', 'one')).toEqual({ kind: 'old-sequence' });
    expect(write(state, 'stranger', 2, 'a', 'three')).toEqual({ kind: 'session-expired' });
    expect(text(state, 'a')).toBe('two');
  });

  test('forgets the client least recently heard of', () => {
    const state = new KeyValueState();
    write(state, 'first', 1, 'a', 'x');
    write(state, 'second', 1, 'a', 'x');
    write(state, 'first', 2, 'a', 'x');
    for (let count = 1; count < SESSIONS_MAX; count += 1) write(state, `client ${count}`, 1, 'a', 'x');
    expect(write(state, 'first', 3, 'a', 'y')).toMatchObject({ kind: 'written' });
    expect(write(state, 'second', 2, 'a', 'y')).toEqual({ kind: 'session-expired' });
  });

  test('deletes a key', () => {
    const state = new KeyValueState();
    write(state, 'c', 1, 'a', '');
    expect(text(state, 'a')).toBe('');
    write(state, 'c', 2, 'a');
    expect(text(state, 'a')).toBeNull();
  });

  test('takes entries only in their order', () => {
    const state = new KeyValueState();
    expect(() => state.apply({ index: 2, term: 1, kind: 0, data: new Uint8Array(0) })).toThrow(/behind 0/);
  });

  test('hashes the way, not only where it led', () => {
    const one = new KeyValueState();
    const other = new KeyValueState();
    write(one, 'c', 1, 'a', 'x');
    write(other, 'c', 1, 'a', 'x');
    expect(one.hash()).toBe(other.hash());
    write(one, 'c', 1, 'a', 'x');
    other.apply({ index: 2, term: 1, kind: ENTRY_KIND.termStart, data: new Uint8Array(0) });
    expect(one.hash()).not.toBe(other.hash());
  });

  test.prop([
    fc.array(fc.tuple(fc.nat(4), fc.nat(5), fc.option(fc.string({ maxLength: 30 })))),
    fc.integer({ min: 1, max: 100 }),
    fc.nat(50),
  ])('comes back from a snapshot, cut anywhere, and goes on the same', async (steps, chunkBytes, split) => {
    const whole = new KeyValueState();
    const sequences = new Map<number, number>();
    const take = (
      state: KeyValueState,
      [client, key, value]: (typeof steps)[number],
      sequence: number,
    ): void => {
      write(state, `c${client}`, sequence, `k${key}`, value ?? undefined);
    };
    let restored = new KeyValueState();
    for (const [at, step] of steps.entries()) {
      if (at === split % Math.max(1, steps.length)) {
        const bytes = await bytesOf(whole.snapshot());
        restored = new KeyValueState();
        await restored.restore(cut(bytes, chunkBytes));
        expect(restored.hash()).toBe(whole.hash());
      }
      const sequence = (sequences.get(step[0]) ?? 0) + 1;
      sequences.set(step[0], sequence);
      take(whole, step, sequence);
      if (restored.applied === whole.applied - 1) take(restored, step, sequence);
    }
    if (restored.applied === whole.applied) expect(restored.hash()).toBe(whole.hash());
  });

  test('refuses a snapshot that ends early, and stays as it was', async () => {
    const state = new KeyValueState();
    for (let count = 1; count <= 20; count += 1) write(state, 'c', count, `k${count}`, 'x');
    const bytes = await bytesOf(state.snapshot());
    const other = new KeyValueState();
    const before = other.hash();
    for (let length = 0; length < bytes.length; length += 1) {
      await expect(other.restore(cut(bytes.subarray(0, length), 16))).rejects.toThrow(/snapshot/);
    }
    expect(other.hash()).toBe(before);
  });
});
