/**
 * At stake: a wrong flag that is taken for something else starts a node that its operator did not mean. Tried flag by
 * flag, and once on the built programs, for what they print and the code that they end with.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT, ExitError } from '../../examples/kv/exit.js';
import { loadEngine } from '../../examples/kv/host/load-engine.js';
import { referenceEngine } from '../../examples/kv/host/reference-engine.js';
import { NODE_DEFAULTS, readNodeOptions } from '../../examples/kv/node-options.js';
import { runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const INIT = ['--data', 'd', '--init', '--cluster', 'c', '--id', 'n1', '--member', 'n1=127.0.0.1:7101'];

describe('flags of a node', () => {
  test('say who a new node is', () => {
    expect(readNodeOptions([...INIT, '--member', 'n2=[::1]:7102', '--tick-ms', '20'])).toEqual({
      ...NODE_DEFAULTS,
      folder: 'd',
      founding: {
        clusterId: 'c',
        memberId: 'n1',
        addresses: { n1: '127.0.0.1:7101', n2: '[::1]:7102' },
      },
      tickMs: 20,
    });
  });

  test('may say that it joins, and from what', () => {
    expect(readNodeOptions([...INIT, '--join'])).toMatchObject({ founding: { join: { backup: null } } });
    const backup = { founding: { join: { backup: 'b' } } };
    expect(readNodeOptions([...INIT, '--join', '--backup', 'b'])).toMatchObject(backup);
  });

  test('are few for a node that was there', () => {
    expect(readNodeOptions(['--data', 'd'])).toEqual({ ...NODE_DEFAULTS, folder: 'd', founding: null });
    expect(readNodeOptions(['--help'])).toBe('help');
  });

  test.each<readonly [string, readonly string[]]>([
    ['--data is missing', []],
    ['--data is missing', ['--data=']],
    ['--unknown', ['--data', 'd', '--unknown']],
    ['stray', ['--data', 'd', 'stray']],
    ['--id goes with --init', ['--data', 'd', '--id', 'n1']],
    ['--cluster', ['--data', 'd', '--init']],
    ['--cluster', ['--data', 'd', '--init', '--cluster', 'with space']],
    ['--id', ['--data', 'd', '--init', '--cluster', 'c']],
    ['--member n1=HOST:PORT is missing', ['--data', 'd', '--init', '--cluster', 'c', '--id', 'n1']],
    ['NAME=HOST:PORT', [...INIT, '--member', 'n2']],
    ['not HOST:PORT on loopback', [...INIT, '--member', 'n2=192.168.0.1:7102']],
    ['not HOST:PORT on loopback', [...INIT, '--member', 'n2=0.0.0.0:7102']],
    ['not HOST:PORT on loopback', [...INIT, '--member', 'n2=127.0.0.1']],
    ['not HOST:PORT on loopback', [...INIT, '--member', 'n2=127.0.0.1:0']],
    ['not HOST:PORT on loopback', [...INIT, '--member', 'n2=127.0.0.1:65536']],
    ['share a name or an address', [...INIT, '--member', 'n1=127.0.0.1:7109']],
    ['share a name or an address', [...INIT, '--member', 'n2=127.0.0.1:7101']],
    ['--backup goes with --join', [...INIT, '--backup', 'b']],
    ['--join goes with --init', ['--data', 'd', '--join']],
    ['--tick-ms', ['--data', 'd', '--tick-ms', '1.5']],
    ['--tick-ms', ['--data', 'd', '--tick-ms', '0']],
    ['--snapshot-every', ['--data', 'd', '--snapshot-every', 'often']],
    ['--keep-entries', ['--data', 'd', '--keep-entries=-1']],
    ['--recent-bytes', ['--data', 'd', '--recent-bytes', '0']],
    ['--segment-bytes', ['--data', 'd', '--segment-bytes', '100']],
  ])('that are wrong are named: %s', (named, args) => {
    let refusal: unknown = null;
    try {
      readNodeOptions(args);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ExitError);
    expect((refusal as ExitError).exitCode).toBe(EXIT.usage);
    expect((refusal as ExitError).message).toContain(named);
    expect((refusal as ExitError).message).toContain('usage:');
  });
});

describe('the engine of a node', () => {
  test('is the reference Raft, unless a module is named', async () => {
    expect(readNodeOptions(['--data', 'd', '--engine', 'e.js'])).toMatchObject({ engine: 'e.js' });
    expect(readNodeOptions(['--data', 'd'])).toMatchObject({ engine: null });
    expect(await loadEngine(null)).toBe(referenceEngine);
  });

  test.each([
    ['nowhere.js', 'does not load'],
    [join(import.meta.dirname, 'built.ts'), 'no default export'],
  ])('is refused by the name of its module, %s', async (file, why) => {
    await expect(loadEngine(file)).rejects.toMatchObject({
      exitCode: EXIT.usage,
      message: expect.stringContaining(why) as string,
    });
  });
});

describe('the programs', () => {
  test('a node says what is wrong, and how it is used', async () => {
    const { code, stderr } = await runBuilt('examples/kv/main.js', ['--data']);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain('usage:');
    expect(stderr).not.toContain('    at ');
  });

  test('a node without its folder does not start', async () => {
    const folder = join(scratchDirectory(), 'lost');
    const { code, stderr } = await runBuilt('examples/kv/main.js', ['--data', folder]);
    expect(code).toBe(EXIT.folder);
    expect(stderr).toContain('KEELSON_NOT_A_LOG');
    expect(stderr).toContain('must not come back under its name');
  });

  test.each<readonly [number, string, readonly string[]]>([
    [EXIT.usage, "'fetch' is not a command", ['--cluster', 'c', '--node', '127.0.0.1:1', 'fetch']],
    [
      EXIT.usage,
      "'constructor' is not a command",
      ['--cluster', 'c', '--node', '127.0.0.1:1', 'constructor'],
    ],
    [EXIT.usage, 'the command is missing', ['--cluster', 'c', '--node', '127.0.0.1:1']],
    [
      EXIT.usage,
      "--timeout-ms is '1e3', expected",
      ['--cluster', 'c', '--node', '127.0.0.1:1', '--timeout-ms', '1e3', 'scan'],
    ],
    [EXIT.usage, 'put takes 2 arguments, got 1', ['--cluster', 'c', '--node', '127.0.0.1:1', 'put', 'k']],
    [EXIT.usage, '--node is missing', ['--cluster', 'c', 'scan']],
    [EXIT.usage, '--cluster is missing', ['--node', '127.0.0.1:1', 'scan']],
    [EXIT.usage, 'loopback', ['--cluster', 'c', '--node', 'example.com:80', 'scan']],
    [
      EXIT.environment,
      'no answer in 50 ms',
      ['--cluster', 'c', '--node', '127.0.0.1:1', '--timeout-ms', '50', 'get', 'k'],
    ],
  ])('the client ends with %i: %s', async (exitCode, named, args) => {
    const { code, stderr } = await runBuilt('examples/kv/client/main.js', args);
    expect(stderr).toContain(named);
    expect(code).toBe(exitCode);
  });

  test('the client says how it is used', async () => {
    const { code, stdout } = await runBuilt('examples/kv/client/main.js', ['--help']);
    expect(stdout).toContain('usage:');
    expect(code).toBe(EXIT.done);
  });
});
