// The log in memory is what hosts test against, so it must keep every promise that a disk keeps.
// The whole conformance suite runs on it: as published, and with its memory kept so that it can be reopened and crashed.
import { describe, it } from 'vitest';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { testRaftLogConformance } from '../../src/testing/index.js';
import { MemoryStore } from './memory-store.js';

const runs = process.env['KEELSON_DEEP'] === '1' ? 5000 : 50;

describe('createMemoryRaftLog', () => {
  testRaftLogConformance({
    test: it,
    open: () => Promise.resolve(createMemoryRaftLog()),
    supports: { reopen: false },
    property: { runs },
  });
});

describe('memory that outlives its log', () => {
  const batchBytesMax = 2 ** 20;
  const store = new MemoryStore({ batchBytesMax });
  testRaftLogConformance({
    test: it,
    open: (dir) => store.open(dir),
    crash: () => store.crash(),
    supports: { reopen: true, batchBytesMax },
    property: { runs },
  });
});

describe('memory without interlocks', () => {
  testRaftLogConformance({
    test: it,
    open: () => Promise.resolve(createMemoryRaftLog({ checks: 'off' })),
    supports: { reopen: false, interlocks: false },
    property: { runs },
  });
});
