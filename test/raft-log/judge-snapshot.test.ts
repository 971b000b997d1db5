// A snapshot taken in wrongly replaces history, or moves the commit index to what no majority holds.
// Every condition of both calls is tried alone, at the call and as it is judged again when the record is queued.
import { describe, expect, it } from 'vitest';
import { readFields } from '../../src/errors/arguments.js';
import type { ErrorCode } from '../../src/errors/index.js';
import {
  judgeCreateSnapshot,
  judgeInstallSnapshot,
  type SnapshotPlan,
} from '../../src/raft-log/rules/judge-snapshot.js';
import type { JudgeRules, LogView } from '../../src/raft-log/rules/log-view.js';
import type { CreateSnapshotRequest, InstallSnapshotRequest } from '../../src/raft-log/contract.js';
import {
  INSTALL_FIELDS,
  readInstall,
  readSnapshot,
  SNAPSHOT_FIELDS,
} from '../../src/raft-log/rules/requests.js';
import { DATA, logOfTerms } from './log-of-terms.js';
import { refused } from './refused.js';

const STRICT = { checks: 'strict' } as const;
const conf = Uint8Array.of(7);
const wideConf = new Uint8Array(65_537);

/** Entries 4..8 of terms 2, 2, 3, 3, 3, a snapshot at 4, commit 5. */
const LOG = logOfTerms([2, 2, 3, 3, 3], {
  boundary: { index: 3, term: 2 },
  snapshot: { index: 4, term: 2 },
  hardState: { commit: 5 },
});
/** A log that was reset to index 10: no snapshot, no entries. */
const RESET = logOfTerms([], { boundary: { index: 10, term: 2 }, hardState: { commit: 10 } });

type Create = Omit<CreateSnapshotRequest, 'data'> & { readonly term?: number };
type Install = Omit<InstallSnapshotRequest, 'data'>;

/** As a log does it: read first, then judged. */
function create(view: LogView, { term, ...request }: Create): SnapshotPlan {
  const given = readSnapshot(readFields('request', { ...request, data: DATA }, SNAPSHOT_FIELDS, ''));
  return judgeCreateSnapshot(view, { ...given, ...(term === undefined ? {} : { term }) });
}

function install(view: LogView, request: Install, rules: JudgeRules): SnapshotPlan {
  return judgeInstallSnapshot(
    view,
    readInstall(readFields('request', { ...request, data: DATA }, INSTALL_FIELDS, '')),
    rules,
  );
}

describe('createSnapshot', () => {
  const accepted: readonly [string, LogView, Create, Partial<SnapshotPlan>][] = [
    [
      'below commit',
      LOG,
      { index: 5, conf },
      {
        index: 5,
        term: 2,
        keepsLog: true,
        hardStateChanged: false,
        firstIndex: 4,
        lastIndex: 8,
        lastTerm: 3,
      },
    ],
    [
      'above commit, which rises',
      LOG,
      { index: 7, conf },
      { term: 3, hardState: { term: 9, vote: null, commit: 7 }, hardStateChanged: true },
    ],
    ['at the end', LOG, { index: 8, conf }, { term: 3, keepsLog: true }],
    ['again, same term', LOG, { index: 7, term: 3, conf }, { term: 3 }],
    [
      'at the boundary of a reset log',
      RESET,
      { index: 10, conf },
      { term: 2, firstIndex: 11, lastIndex: 10 },
    ],
  ];
  it.each(accepted)('%s', (_name, view, request, expected) => {
    expect(create(view, request)).toMatchObject(expected);
  });

  const refusals: readonly [string, LogView, Create, ErrorCode][] = [
    ['at the newest snapshot', LOG, { index: 4, conf }, 'KEELSON_SNAPSHOT_OUT_OF_DATE'],
    ['below it', LOG, { index: 2, conf }, 'KEELSON_SNAPSHOT_OUT_OF_DATE'],
    ['beyond the end, or truncated meanwhile', LOG, { index: 9, term: 3, conf }, 'KEELSON_UNAVAILABLE'],
    ['on an empty log', logOfTerms([]), { index: 1, conf }, 'KEELSON_UNAVAILABLE'],
    ['another entry there by now', LOG, { index: 7, term: 2, conf }, 'KEELSON_COMMITTED_TRUNCATION'],
    ['below a reset log', RESET, { index: 9, conf }, 'KEELSON_COMPACTED'],
    ['at 0', LOG, { index: 0, conf }, 'KEELSON_INVALID_ARGUMENT'],
    ['wide conf', LOG, { index: 7, conf: wideConf }, 'KEELSON_TOO_LARGE'],
  ];
  it.each(refusals)('refuses one %s', (_name, view, request, code) => {
    refused(code, () => create(view, request));
  });
});

describe('installSnapshot', () => {
  const accepted: readonly [string, LogView, Install, Partial<SnapshotPlan>][] = [
    [
      'on an empty log',
      logOfTerms([]),
      { index: 20, term: 3, conf },
      {
        keepsLog: false,
        firstIndex: 21,
        lastIndex: 20,
        lastTerm: 3,
        hardState: { term: 9, vote: null, commit: 20 },
      },
    ],
    [
      'held: keeps every entry',
      LOG,
      { index: 6, term: 3, conf },
      {
        keepsLog: true,
        firstIndex: 4,
        lastIndex: 8,
        lastTerm: 3,
        hardState: { term: 9, vote: null, commit: 6 },
      },
    ],
    ['held and committed', LOG, { index: 5, term: 2, conf }, { keepsLog: true, hardStateChanged: false }],
    [
      'another term above commit: replaces',
      LOG,
      { index: 7, term: 4, conf },
      { keepsLog: false, firstIndex: 8, lastIndex: 7, lastTerm: 4 },
    ],
    ['beyond the end: replaces', LOG, { index: 20, term: 3, conf }, { keepsLog: false, firstIndex: 21 }],
    [
      'with a higher term',
      LOG,
      { index: 20, term: 11, conf, hardState: { term: 11 } },
      { hardState: { term: 11, vote: null, commit: 20 } },
    ],
    [
      'with a commit below it, which counts as left out',
      LOG,
      { index: 7, term: 3, conf, hardState: { commit: 1 } },
      { hardState: { term: 9, vote: null, commit: 7 } },
    ],
    [
      'with a commit in the kept log',
      LOG,
      { index: 6, term: 3, conf, hardState: { commit: 8 } },
      { hardState: { term: 9, vote: null, commit: 8 } },
    ],
    [
      'at the boundary of a reset log',
      RESET,
      { index: 10, term: 2, conf },
      { keepsLog: true, firstIndex: 11, lastIndex: 10 },
    ],
  ];
  it.each(accepted)('%s', (_name, view, request, expected) => {
    expect(install(view, request, STRICT)).toMatchObject(expected);
  });

  const wrong = { hardState: { commit: 5, vote: 'a' } };
  const voted = logOfTerms([2, 2, 2, 2, 2, 3, 3, 3], wrong);
  const refusals: readonly [string, LogView, Install, ErrorCode][] = [
    ['of another term at the newest', LOG, { index: 4, term: 3, conf }, 'KEELSON_SNAPSHOT_OUT_OF_DATE'],
    ['below it', LOG, { index: 3, term: 2, conf }, 'KEELSON_SNAPSHOT_OUT_OF_DATE'],
    ['below a reset log', RESET, { index: 9, term: 2, conf }, 'KEELSON_SNAPSHOT_OUT_OF_DATE'],
    ['of another term at commit', LOG, { index: 5, term: 3, conf }, 'KEELSON_COMMITTED_TRUNCATION'],
    [
      'of another term at a reset boundary',
      RESET,
      { index: 10, term: 1, conf },
      'KEELSON_COMMITTED_TRUNCATION',
    ],
    ['of a term never seen', LOG, { index: 20, term: 10, conf }, 'KEELSON_TERM_REGRESSION'],
    [
      'with a lower term',
      LOG,
      { index: 20, term: 3, conf, hardState: { term: 8 } },
      'KEELSON_TERM_REGRESSION',
    ],
    [
      'with another vote',
      voted,
      { index: 20, term: 3, conf, hardState: { vote: 'b' } },
      'KEELSON_VOTE_CONFLICT',
    ],
    [
      'with a commit beyond it',
      LOG,
      { index: 20, term: 3, conf, hardState: { commit: 21 } },
      'KEELSON_UNAVAILABLE',
    ],
    [
      'with a commit beyond the kept log',
      LOG,
      { index: 6, term: 3, conf, hardState: { commit: 9 } },
      'KEELSON_UNAVAILABLE',
    ],
    [
      'with a commit going back',
      logOfTerms([2, 2, 2, 2], { hardState: { commit: 4 } }),
      { index: 2, term: 2, conf, hardState: { commit: 3 } },
      'KEELSON_COMMIT_REGRESSION',
    ],
    [
      'with a new vote while unfit',
      logOfTerms([], { unfitUntil: 5 }),
      { index: 20, term: 3, conf, hardState: { vote: 'b' } },
      'KEELSON_UNFIT_TO_VOTE',
    ],
    [
      'with a misspelt hard state',
      LOG,
      { index: 20, term: 3, conf, hardState: { comit: 1 } as object },
      'KEELSON_INVALID_ARGUMENT',
    ],
    ['of a fraction of a term', LOG, { index: 20, term: 0.5, conf }, 'KEELSON_INVALID_ARGUMENT'],
    ['wide conf', LOG, { index: 20, term: 3, conf: wideConf }, 'KEELSON_TOO_LARGE'],
  ];
  it.each(refusals)('refuses one %s', (_name, view, request, code) => {
    refused(code, () => install(view, request, STRICT));
  });

  it('asks for no term of the hard state where the host keeps it elsewhere', () => {
    const plan = install(
      logOfTerms([], { hardState: { term: 0 } }),
      { index: 5, term: 3, conf },
      { checks: 'off' },
    );
    expect(plan.hardState).toEqual({ term: 0, vote: null, commit: 5 });
  });
});
