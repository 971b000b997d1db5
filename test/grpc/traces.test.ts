// Instruments of others see calls begin and end where grpc-js makes its streams, and messages pass those by. The page's own
// lines run before a server and its client, and each call must be seen from both sides, as one trace.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../disk/scratch-directory.js';

const here = import.meta.dirname;
const tracing = join(here, 'tracing.mjs');
const SPAN =
  /traceId: '(\w+)'[^]*?name: 'grpc\.keelson\.v1\.RaftLogService\/(\w+)'[^]*?kind: (\d)[^]*?grpc\.status_code': (\d+)/g;

test("OpenTelemetry's instrument sees each call from both sides, and how it ended", () => {
  const built = join(here, '../../dist/src/grpc/index.js');
  const child = [join(here, 'traces-child.mjs'), built, scratchDirectory()];
  const said = execFileSync(process.execPath, ['--import', tracing, ...child], { encoding: 'utf8' });
  const seen = new Map<string, string[]>();
  for (const [, trace = '', call, kind, code] of said.matchAll(SPAN))
    seen.set(
      trace,
      [...(seen.get(trace) ?? []), `${call} ${kind === '1' ? 'served' : 'made'} ${code}`].sort(),
    );
  const calls = new Set([...seen.values()].map((sides) => sides.join(', ')));
  for (const call of ['Open', 'Entries', 'CreateSnapshot', 'Close'])
    expect(calls).toContain(`${call} made 0, ${call} served 0`);
  // The client of a session leaves its stream.
  expect(calls).toContain('SaveStream made 1, SaveStream served 0');
  expect(calls).toContain('Open made 5, Open served 5');
});

test('the page shows those lines', () => {
  expect(readFileSync(join(here, '../../docs/grpc.md'), 'utf8')).toContain(readFileSync(tracing, 'utf8'));
});
