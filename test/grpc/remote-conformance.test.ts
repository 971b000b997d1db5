// A Raft must not be able to tell a log behind a network from one beside it, but by its errors of the network.
// The whole conformance suite runs over a host in this process, whose disk loses its power, or is killed, as a crash.
import { describe, it } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { testRaftLogConformance } from '../../src/testing/index.js';
import { connectTo, hostOf } from './in-process.js';

describe('a remote log', () => {
  const disk = createSimulatedDisk({ seed: 'remote', profile: { calls: 'inline' }, directories: ['/logs'] });
  let host = hostOf(disk.environment, '/logs');
  let crashes = 0;
  testRaftLogConformance({
    test: it,
    open: (dir) => connectTo(host, dir),
    crash: () => {
      disk.crash((['power', 'kill', 'kill-power'] as const)[crashes % 3] ?? 'power');
      crashes += 1;
      host = hostOf(disk.environment, '/logs');
      return Promise.resolve();
    },
    supports: { reopen: true },
    property: { runs: process.env['KEELSON_DEEP'] === '1' ? 200 : 10 },
  });
});
