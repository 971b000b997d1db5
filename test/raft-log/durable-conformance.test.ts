/**
 * A log on a disk must keep every promise that the contract makes. The whole conformance suite runs on it: on the real
 * file system, and on the simulated disk, where each crash is a power cut or a kill.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { testRaftLogConformance } from '../../src/testing/index.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
const LIMITS = { segmentBytes: 8192, batchBytesMax: 262_144 } as const;

describe('on the real file system', () => {
  const root = mkdtempSync(join(tmpdir(), 'keelson-conformance-'));
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });
  testRaftLogConformance({
    test,
    open: (dir) => openRaftLog({ dir: join(root, dir), ...LIMITS }),
    supports: { reopen: true, batchBytesMax: LIMITS.batchBytesMax },
    property: { runs: IS_DEEP ? 200 : 5 },
  });
});

describe.each(['inline', 'background'] as const)('on the simulated disk, calls %s', (calls) => {
  const disk = createSimulatedDisk({
    seed: `conformance ${calls}`,
    profile: { calls },
    directories: ['/data'],
  });
  let crashes = 0;
  testRaftLogConformance({
    test,
    open: (dir) => openRaftLog({ dir: `/data/${dir}`, ...LIMITS, environment: disk.environment }),
    crash: () => {
      disk.crash((['power', 'kill', 'kill-power'] as const)[crashes % 3] ?? 'power');
      crashes += 1;
      return Promise.resolve();
    },
    supports: { reopen: true, batchBytesMax: LIMITS.batchBytesMax },
    property: { runs: IS_DEEP ? 500 : 14 },
  });
});
