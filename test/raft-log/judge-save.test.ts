// A save that is judged wrongly loses entries a majority relies on, or lets a server vote twice.
// Every rule is tried alone in a table, and random saves are held against a naive log of arrays.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors/index.js';
import type { Entry, SaveRequest } from '../../src/raft-log/contract.js';
import { judgeSave, type SavePlan } from '../../src/raft-log/rules/judge-save.js';
import type { JudgeRules, LogView } from '../../src/raft-log/rules/log-view.js';
import { readSave } from '../../src/raft-log/rules/requests.js';
import { entriesOf, entry, logOfTerms } from './log-of-terms.js';
import { refused } from './refused.js';

const STRICT = { checks: 'strict' } as const;
const OFF = { checks: 'off' } as const;

/** Entries 1..5 of terms 1, 1, 2, 2, 3. */
const LOG = logOfTerms([1, 1, 2, 2, 3]);
/** The same, 1..3 compacted away behind a snapshot at 4. */
const COMPACTED = logOfTerms([2, 3, 3], {
  boundary: { index: 3, term: 2 },
  snapshot: { index: 4, term: 2 },
  hardState: { commit: 4 },
});
const voted = logOfTerms([1, 1], { hardState: { term: 2, vote: 'a', commit: 1 } });
const unfit = logOfTerms([1, 1], { hardState: { term: 2, commit: 1 }, unfitUntil: 2 });
const unfitVoted = logOfTerms([1, 1], { hardState: { term: 2, vote: 'a', commit: 1 }, unfitUntil: 2 });

interface Plan extends Omit<SavePlan, 'entries'> {
  readonly entries: readonly Entry[];
}

/** As a log does it: read first, then judged; what is to be appended as entries again. */
function judge(view: LogView, request: SaveRequest, rules: JudgeRules): Plan {
  const plan = judgeSave(view, readSave(request), rules);
  const { entries: given } = plan;
  const entries = Array.from({ length: given.count }, (_, at) => {
    const index = given.from + at;
    return { index, term: given.term(index), kind: given.kind(index), data: given.data(index) };
  });
  return { ...plan, entries };
}

describe('what a save does', () => {
  const cases: readonly [string, LogView, SaveRequest, Partial<Plan>][] = [
    ['nothing', LOG, {}, { keepUntil: 6, entries: [], isEmpty: true, lastIndex: 5, lastTerm: 3 }],
    ['no entries', LOG, { entries: [] }, { isEmpty: true }],
    [
      'append',
      LOG,
      { entries: entriesOf(6, 3, 4) },
      { keepUntil: 6, entries: entriesOf(6, 3, 4), lastIndex: 7, lastTerm: 4, isEmpty: false },
    ],
    [
      'append to an empty log',
      logOfTerms([]),
      { entries: entriesOf(1, 1) },
      { keepUntil: 1, lastIndex: 1, lastTerm: 1 },
    ],
    [
      'all held',
      LOG,
      { entries: entriesOf(2, 1, 2) },
      { keepUntil: 6, entries: [], isEmpty: true, lastIndex: 5, lastTerm: 3 },
    ],
    [
      'held, then new',
      LOG,
      { entries: entriesOf(4, 2, 3, 3) },
      { keepUntil: 6, entries: entriesOf(6, 3), lastIndex: 6 },
    ],
    [
      'first conflicts',
      LOG,
      { entries: entriesOf(3, 3, 3) },
      { keepUntil: 3, entries: entriesOf(3, 3, 3), lastIndex: 4, lastTerm: 3 },
    ],
    [
      'held, then conflict',
      LOG,
      { entries: entriesOf(2, 1, 3) },
      { keepUntil: 3, entries: entriesOf(3, 3), lastIndex: 3 },
    ],
    [
      'lower term than held',
      LOG,
      { entries: entriesOf(5, 2) },
      { keepUntil: 5, entries: entriesOf(5, 2), lastTerm: 2 },
    ],
    [
      'truncate',
      LOG,
      { truncateFrom: 3 },
      { keepUntil: 3, entries: [], lastIndex: 2, lastTerm: 1, isEmpty: false },
    ],
    ['truncate all', LOG, { truncateFrom: 1 }, { keepUntil: 1, lastIndex: 0, lastTerm: 0 }],
    ['truncate at the end', LOG, { truncateFrom: 6 }, { isEmpty: true }],
    [
      'truncate, then append',
      LOG,
      { truncateFrom: 4, entries: entriesOf(4, 3) },
      { keepUntil: 4, entries: entriesOf(4, 3), lastIndex: 4, lastTerm: 3 },
    ],
    [
      'truncate, then conflict below it',
      LOG,
      { truncateFrom: 5, entries: entriesOf(3, 3) },
      { keepUntil: 3, entries: entriesOf(3, 3), lastIndex: 3 },
    ],
    [
      'truncate, then all held',
      LOG,
      { truncateFrom: 5, entries: entriesOf(3, 2) },
      { keepUntil: 5, entries: [], lastIndex: 4, isEmpty: false },
    ],
    [
      'truncated entries are not compared',
      LOG,
      { truncateFrom: 5, entries: [entry(5, 3, Uint8Array.of(9))] },
      { keepUntil: 5, lastIndex: 5 },
    ],
    ['covered', COMPACTED, { entries: entriesOf(1, 8, 8, 8) }, { entries: [], isEmpty: true }],
    [
      'covered, held, new',
      COMPACTED,
      { entries: entriesOf(2, 1, 2, 2, 3, 3, 4) },
      { keepUntil: 7, entries: entriesOf(7, 4) },
    ],
    [
      'covered whole, then new',
      logOfTerms([], { boundary: { index: 3, term: 2 } }),
      { entries: entriesOf(2, 1, 2, 2) },
      { keepUntil: 4, entries: entriesOf(4, 2), lastIndex: 4 },
    ],
    [
      'truncate just above the snapshot',
      COMPACTED,
      { truncateFrom: 5 },
      { keepUntil: 5, lastIndex: 4, lastTerm: 2 },
    ],
    [
      'checksum gone',
      logOfTerms([1], { forgotten: [1] }),
      { entries: [entry(1, 1, Uint8Array.of(9))] },
      { isEmpty: true },
    ],
    [
      'same hard state',
      voted,
      { hardState: { term: 2, vote: 'a', commit: 1 } },
      { hardStateChanged: false, isEmpty: true },
    ],
    [
      'vote',
      logOfTerms([1]),
      { hardState: { vote: 'b' } },
      { hardState: { term: 9, vote: 'b', commit: 0 }, isEmpty: false },
    ],
    [
      'higher term drops the vote',
      voted,
      { hardState: { term: 3 } },
      { hardState: { term: 3, vote: null, commit: 1 } },
    ],
    [
      'higher term takes any vote',
      voted,
      { hardState: { term: 3, vote: 'b' } },
      { hardState: { term: 3, vote: 'b', commit: 1 } },
    ],
    [
      'commit to the new end',
      voted,
      { entries: entriesOf(3, 2), hardState: { commit: 3 } },
      { hardState: { term: 2, vote: 'a', commit: 3 } },
    ],
    [
      'entries of the new term',
      LOG,
      { entries: entriesOf(6, 10), hardState: { term: 10 } },
      { lastTerm: 10 },
    ],
    [
      'commit at or below the snapshot counts as left out',
      COMPACTED,
      { hardState: { commit: 2 } },
      { hardStateChanged: false, isEmpty: true },
    ],
    ['unfit, vote already held', unfitVoted, { hardState: { term: 2, vote: 'a' } }, { isEmpty: true }],
    [
      'unfit, term without a vote',
      unfitVoted,
      { hardState: { term: 3 } },
      { hardState: { term: 3, vote: null, commit: 1 } },
    ],
    [
      'fit again',
      logOfTerms([1, 1], { hardState: { commit: 2 }, unfitUntil: 2 }),
      { hardState: { vote: 'b' } },
      { hardStateChanged: true },
    ],
  ];
  it.each(cases)('%s', (_name, view, request, expected) => {
    expect(judge(view, request, STRICT)).toMatchObject(expected);
  });
});

describe('what is always refused', () => {
  const cases: readonly [string, LogView, SaveRequest, ErrorCode][] = [
    ['entries beyond the end', LOG, { entries: entriesOf(7, 3) }, 'KEELSON_INDEX_GAP'],
    [
      'entries beyond the truncated end',
      LOG,
      { truncateFrom: 4, entries: entriesOf(5, 3) },
      'KEELSON_INDEX_GAP',
    ],
    ['truncation beyond the end', LOG, { truncateFrom: 7 }, 'KEELSON_UNAVAILABLE'],
    ['truncation at 0', LOG, { truncateFrom: 0 }, 'KEELSON_COMPACTED'],
    ['truncation at the boundary', COMPACTED, { truncateFrom: 3 }, 'KEELSON_COMPACTED'],
    ['truncation at the snapshot', COMPACTED, { truncateFrom: 4 }, 'KEELSON_COMPACTED'],
    ['other bytes', LOG, { entries: [entry(2, 1, Uint8Array.of(9))] }, 'KEELSON_ENTRY_MISMATCH'],
    ['another kind', LOG, { entries: [{ ...entry(2, 1), kind: 1 }] }, 'KEELSON_ENTRY_MISMATCH'],
    [
      'a wrong shape beside a right one',
      LOG,
      { entries: entriesOf(6, 3), truncateFrom: NaN },
      'KEELSON_INVALID_ARGUMENT',
    ],
  ];
  for (const rules of [STRICT, OFF]) {
    it.each(cases)(`%s (checks ${rules.checks})`, (_name, view, request, code) => {
      expect(refused(code, () => judge(view, request, rules)).family).toBe('caller');
    });
  }

  it('a conflict with what the snapshot covers, as COMPACTED where no interlock speaks first', () => {
    refused('KEELSON_COMPACTED', () => judge(COMPACTED, { entries: entriesOf(4, 9) }, OFF));
  });
});

describe('the interlocks', () => {
  const committed = logOfTerms([1, 1, 2, 2, 3], { hardState: { commit: 3 } });
  const cases: readonly [string, LogView, SaveRequest, ErrorCode][] = [
    ['term going back', voted, { hardState: { term: 1 } }, 'KEELSON_TERM_REGRESSION'],
    ['another vote', voted, { hardState: { vote: 'b' } }, 'KEELSON_VOTE_CONFLICT'],
    ['another vote, term repeated', voted, { hardState: { term: 2, vote: 'b' } }, 'KEELSON_VOTE_CONFLICT'],
    ['a vote taken back', voted, { hardState: { vote: null } }, 'KEELSON_VOTE_CONFLICT'],
    ['commit going back', voted, { hardState: { commit: 0 } }, 'KEELSON_COMMIT_REGRESSION'],
    ['commit beyond the log', voted, { hardState: { commit: 3 } }, 'KEELSON_UNAVAILABLE'],
    [
      'commit beyond the truncated log',
      LOG,
      { truncateFrom: 4, hardState: { commit: 4 } },
      'KEELSON_UNAVAILABLE',
    ],
    ['truncation at commit', committed, { truncateFrom: 3 }, 'KEELSON_COMMITTED_TRUNCATION'],
    [
      'truncation below commit, appended again',
      committed,
      { truncateFrom: 3, entries: entriesOf(3, 2, 2, 3) },
      'KEELSON_COMMITTED_TRUNCATION',
    ],
    ['conflict at commit', committed, { entries: entriesOf(3, 3) }, 'KEELSON_COMMITTED_TRUNCATION'],
    [
      'conflict with what the snapshot covers',
      COMPACTED,
      { entries: entriesOf(4, 9) },
      'KEELSON_COMMITTED_TRUNCATION',
    ],
    ['terms falling among new entries', LOG, { entries: entriesOf(6, 4, 3) }, 'KEELSON_TERM_REGRESSION'],
    ['terms falling against the entry before', LOG, { entries: entriesOf(6, 2) }, 'KEELSON_TERM_REGRESSION'],
    [
      'terms falling against the boundary',
      logOfTerms([], { boundary: { index: 3, term: 2 } }),
      { entries: entriesOf(4, 1) },
      'KEELSON_TERM_REGRESSION',
    ],
    ['terms falling behind a conflict', LOG, { entries: entriesOf(4, 1) }, 'KEELSON_TERM_REGRESSION'],
    ['an entry above the hard state', LOG, { entries: entriesOf(6, 10) }, 'KEELSON_TERM_REGRESSION'],
    ['a new vote while unfit', unfit, { hardState: { vote: 'a' } }, 'KEELSON_UNFIT_TO_VOTE'],
    [
      'the same candidate in a new term while unfit',
      unfitVoted,
      { hardState: { term: 3, vote: 'a' } },
      'KEELSON_UNFIT_TO_VOTE',
    ],
    [
      'unfit, though this save brings commit there',
      unfit,
      { hardState: { vote: 'a', commit: 2 } },
      'KEELSON_UNFIT_TO_VOTE',
    ],
    [
      'unfit without bound',
      logOfTerms([1], { unfitUntil: Infinity }),
      { hardState: { vote: 'a' } },
      'KEELSON_UNFIT_TO_VOTE',
    ],
  ];
  it.each(cases)('%s', (_name, view, request, code) => {
    expect(refused(code, () => judge(view, request, STRICT)).message).toContain('nothing was changed');
    if (view !== COMPACTED) expect(judge(view, request, OFF).isEmpty).toBe(false);
  });

  it('let a truncation just above commit pass', () => {
    expect(judge(committed, { truncateFrom: 4 }, STRICT).lastIndex).toBe(3);
  });

  it('leave a commit alone that was beyond the log before, as a host without checks may have left it', () => {
    const beyond = logOfTerms([1], { hardState: { commit: 7 } });
    expect(judge(beyond, { entries: entriesOf(2, 1) }, STRICT).lastIndex).toBe(2);
  });
});

describe('against a log of arrays', () => {
  const terms = fc
    .array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 })
    .map((list) => list.sort((a, b) => a - b));
  const scene = fc.record({
    terms,
    boundary: fc.nat(3),
    commit: fc.nat(6),
    truncateFrom: fc.option(fc.nat(12), { nil: undefined }),
    from: fc.integer({ min: 1, max: 12 }),
    newTerms: terms,
  });

  it('keeps, drops and appends what figure 2 says, and drops nothing that is committed', () => {
    fc.assert(
      fc.property(scene, ({ terms: held, boundary, commit, truncateFrom, from, newTerms }) => {
        const view = logOfTerms(held, {
          boundary: { index: boundary, term: boundary === 0 ? 0 : 1 },
          hardState: { commit: Math.min(commit + boundary, boundary + held.length) },
        });
        const request = {
          ...(truncateFrom === undefined ? {} : { truncateFrom }),
          entries: entriesOf(from, ...newTerms),
        };
        const expected = naiveSave(held, boundary, view.hardState.commit, request);
        if (typeof expected === 'string') {
          refused(expected, () => judge(view, request, STRICT));
          return;
        }
        const plan = judge(view, request, STRICT);
        const after = [
          ...held.slice(0, plan.keepUntil - 1 - boundary),
          ...plan.entries.map((one) => one.term),
        ];
        expect(after).toEqual(expected);
        expect(plan.lastIndex).toBe(boundary + expected.length);
        expect(plan.lastTerm).toBe(expected.at(-1) ?? view.term(boundary));
        plan.entries.forEach((one, offset) => {
          expect(one.index).toBe(plan.keepUntil + offset);
        });
        expect(plan.isEmpty).toBe(after.length === held.length && plan.entries.length === 0);
      }),
      { numRuns: 3000 },
    );
  });
});

/** Figure 2 done one entry at a time on a list of terms: the list after, or the code of the refusal. */
function naiveSave(
  held: readonly number[],
  boundary: number,
  commit: number,
  request: SaveRequest,
): number[] | ErrorCode {
  const log = [...held];
  const end = (): number => boundary + log.length + 1;
  const { truncateFrom } = request;
  if (truncateFrom !== undefined && truncateFrom !== end()) {
    if (truncateFrom > end()) return 'KEELSON_UNAVAILABLE';
    if (truncateFrom <= boundary) return 'KEELSON_COMPACTED';
    if (truncateFrom <= commit) return 'KEELSON_COMMITTED_TRUNCATION';
    log.length = truncateFrom - 1 - boundary;
  }
  const entries: readonly Entry[] = request.entries ?? [];
  if (entries[0] !== undefined && entries[0].index > end()) return 'KEELSON_INDEX_GAP';
  let fell = false;
  for (const { index, term } of entries) {
    if (index <= boundary) continue;
    const place = index - boundary - 1;
    if (log[place] === term) continue;
    if (place < log.length) {
      if (index <= commit) return 'KEELSON_COMMITTED_TRUNCATION';
      log.length = place;
    }
    fell ||= term < (log.at(-1) ?? (boundary === 0 ? 0 : 1));
    log.push(term);
  }
  return fell ? 'KEELSON_TERM_REGRESSION' : log;
}
