// At stake: an oracle that lets things pass shows nothing. Each rule of the allowed set and of the model of save is
// broken here by hand, and has to be found.
import { describe, expect, test } from 'vitest';
import { AllowedStates } from '../../sim/oracle/allowed-states.js';
import { applySave } from '../../sim/oracle/apply-save.js';
import { Finding } from '../../sim/oracle/finding.js';
import { FRESH_STATE, lastIndexOf, type LogState, modelEntry } from '../../sim/oracle/log-state.js';

function grown(state: LogState, text: string): LogState {
  const entry = modelEntry(lastIndexOf(state) + 1, 1, 0, Buffer.from(text));
  const outcome = applySave(state, { entries: [entry], hardState: { term: 1 } });
  if (outcome.refused !== null) throw new Error(outcome.refused);
  return outcome.state;
}

const ONE = grown(FRESH_STATE, 'one');
const TWO = grown(ONE, 'two');

describe('the allowed set', () => {
  test('lets a crash leave what was promised or anything issued since', () => {
    for (const left of [FRESH_STATE, ONE, TWO]) {
      const allowed = new AllowedStates();
      allowed.issue(ONE, 'first');
      allowed.issue(TWO, 'second');
      allowed.settle(left, 'recovered-state', 'after a crash');
      expect(allowed.promised.state).toBe(left);
      expect(allowed.isSettled).toBe(true);
    }
  });

  test('finds an acknowledged save that is lost', () => {
    const allowed = new AllowedStates();
    allowed.acknowledge(allowed.issue(ONE, 'first'));
    expect(() => allowed.settle(FRESH_STATE, 'recovered-state', 'lost')).toThrow(Finding);
  });

  test('finds a state that comes back after another was recovered', () => {
    const allowed = new AllowedStates();
    allowed.issue(ONE, 'first');
    allowed.settle(FRESH_STATE, 'recovered-state', 'the save did not last');
    expect(() => allowed.settle(ONE, 'recovered-state', 'resurrected')).toThrow(/resurrected/);
  });

  test('finds a refused save that exists after all', () => {
    const allowed = new AllowedStates();
    allowed.refuse(allowed.issue(ONE, 'first'));
    expect(() => allowed.settle(ONE, 'recovered-state', 'refused')).toThrow(Finding);
  });

  test('takes what the durable view shows for promised', () => {
    const allowed = new AllowedStates();
    allowed.issue(ONE, 'first');
    expect(allowed.see((state) => state === ONE)).toBe(true);
    expect(() => allowed.settle(FRESH_STATE, 'recovered-state', 'shown, then gone')).toThrow(Finding);
    expect(allowed.see((state) => state === TWO)).toBe(false);
  });

  test('finds an acknowledgement of what a store opened since does not hold', () => {
    const allowed = new AllowedStates();
    const issued = allowed.issue(ONE, 'first');
    allowed.settle(FRESH_STATE, 'recovered-state', 'a successor opened');
    expect(() => allowed.acknowledge(issued)).toThrow(/was acknowledged/);
  });

  test('lets the record of a snapshot land behind any save beside it, and no longer once it is acknowledged', () => {
    const snapshot = { index: 1, term: 1, conf: new Uint8Array(), bytes: 0, dataHash: 0 };
    const taken = (state: LogState): LogState => ({ ...state, snapshot });
    const begin = (): AllowedStates => {
      const allowed = new AllowedStates();
      allowed.acknowledge(allowed.issue(ONE, 'first'));
      allowed.float(taken, 'a snapshot');
      allowed.issue(TWO, 'second');
      return allowed;
    };
    for (const left of [ONE, TWO, taken(ONE), taken(TWO)]) begin().settle(left, 'recovered-state', 'crash');
    const landed = begin();
    landed.landFloating();
    expect(() => landed.settle(TWO, 'recovered-state', 'the snapshot is gone')).toThrow(Finding);
  });
});

describe('the model of save', () => {
  const held = (outcome: ReturnType<typeof applySave>): LogState => {
    if (outcome.refused !== null) throw new Error(outcome.refused);
    return outcome.state;
  };
  const entry = (index: number, term: number) => modelEntry(index, term, 0, new Uint8Array(1));

  test('drops a conflict and all behind it, and keeps what a stale request repeats', () => {
    const before = held(
      applySave(FRESH_STATE, { entries: [entry(1, 1), entry(2, 1), entry(3, 1)], hardState: { term: 1 } }),
    );
    expect(lastIndexOf(held(applySave(before, { entries: [entry(1, 1)] })))).toBe(3);
    const cut = held(applySave(before, { entries: [entry(2, 2)], hardState: { term: 2 } }));
    expect(cut.entries.map(({ term }) => term)).toEqual([1, 2]);
  });

  test.each([
    [{ entries: [entry(5, 1)] }, 'KEELSON_INDEX_GAP'],
    [{ hardState: { term: 0 } }, 'KEELSON_TERM_REGRESSION'],
    [{ hardState: { vote: 'b' } }, 'KEELSON_VOTE_CONFLICT'],
    [{ hardState: { commit: 0 } }, 'KEELSON_COMMIT_REGRESSION'],
    [{ hardState: { commit: 9 } }, 'KEELSON_UNAVAILABLE'],
    [{ truncateFrom: 1 }, 'KEELSON_COMMITTED_TRUNCATION'],
    [{ truncateFrom: 7 }, 'KEELSON_UNAVAILABLE'],
    [{ entries: [entry(3, 2)] }, 'KEELSON_TERM_REGRESSION'],
  ])('refuses %j with %s', (save, code) => {
    const before = held(
      applySave(FRESH_STATE, {
        entries: [entry(1, 1), entry(2, 1)],
        hardState: { term: 1, vote: 'a', commit: 1 },
      }),
    );
    expect(applySave(before, save).refused).toBe(code);
  });
});
