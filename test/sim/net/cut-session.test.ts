// A save over a network must be settled by whatever comes after a cut: nothing acknowledged is lost, nothing is made twice.
// The network is cut at every message of a session: alone, twice, with a kill of the server, and with its power; or the server ends.
import { expect, test } from 'vitest';
import { CUTS, runCutSession, type Cut } from '../../../sim/net/cut-session.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

test('a session that is never cut is told of every save', async () => {
  const { told, findings, messages } = await runCutSession(0, 'connection');
  expect(findings).toEqual([]);
  expect(new Set(told)).toEqual(new Set(['saved']));
  expect(messages).toBeGreaterThan(30);
});

/** Where these differ from the others: while saves are on their way, and an upload. */
const PARTS: Partial<Record<Cut, { from: number; until: number }>> = {
  end: { from: 7, until: 18 },
  twice: { from: 34, until: 40 },
};

test.each(IS_DEEP ? CUTS : CUTS.filter((cut) => cut !== 'power'))(
  'at every message: %s',
  async (cut) => {
    const { messages } = await runCutSession(0, cut);
    const outcomes = new Set<string>();
    const { from, until } = (IS_DEEP ? undefined : PARTS[cut]) ?? { from: 1, until: messages };
    for (let at = from; at <= until; at += 1) {
      const { findings, told } = await runCutSession(at, cut);
      for (const one of told) outcomes.add(one);
      expect(findings, `cut at message ${at}`).toEqual([]);
    }
    // Each save is settled when the connection is there again, by its number, or by what the next server found.
    expect([...outcomes]).toEqual(['saved']);
  },
  60_000,
);
