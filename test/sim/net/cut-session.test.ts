// A save over a network must be settled by whatever comes after a cut: nothing acknowledged is lost, nothing is made twice.
// The network is cut at every message of a session: alone, with a kill of the server, and with its power.
import { expect, test } from 'vitest';
import { CUTS, runCutSession } from '../../../sim/net/cut-session.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

test('a session that is never cut is told of every save', async () => {
  const { told, findings, messages } = await runCutSession(0, 'connection');
  expect(findings).toEqual([]);
  expect(new Set(told)).toEqual(new Set(['saved']));
  expect(messages).toBeGreaterThan(30);
});

test.each(IS_DEEP ? CUTS : CUTS.slice(0, 2))(
  'at every message: %s',
  async (cut) => {
    const { messages } = await runCutSession(0, cut);
    const outcomes = new Set<string>();
    for (let at = 1; at <= messages; at += 1) {
      const { findings, told } = await runCutSession(at, cut);
      for (const one of told) outcomes.add(one);
      expect(findings, `cut at message ${at}`).toEqual([]);
    }
    // Each save is settled when the connection is there again, by its number, or by what the next server found.
    expect([...outcomes]).toEqual(['saved']);
  },
  60_000,
);
