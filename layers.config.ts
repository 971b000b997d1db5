import type { Linter } from 'eslint';
import * as parser from '@typescript-eslint/parser';

/**
 * The house as lint rules: which room may import which, and which code may touch the world outside. The
 * drawing of the same rooms stands in docs/design.md; test/house/layers.test.ts plants a violation of each kind
 * and sees it caught. All other rules stand in .oxlintrc.json, and are held by a faster program.
 *
 * A rule that belongs here is one that the simulator leans on (nothing reaches around the Environment), or one
 * that keeps the rooms readable one by one (imports point downwards only).
 */

/** For each room of `src/`, the rooms that it may import. Never a sibling, never upwards. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  // How a page of HTML is made, whatever it shows.
  page: [],
  format: ['errors'],
  disk: ['errors'],
  wal: ['format', 'disk', 'errors'],
  snapshot: ['format', 'disk', 'errors'],
  'raft-log': ['wal', 'snapshot', 'format', 'disk', 'errors'],
  testing: ['raft-log', 'wal', 'snapshot', 'format', 'disk', 'errors'],
  grpc: ['raft-log', 'wal', 'snapshot', 'format', 'disk', 'errors'],
  // And grpc, but only by a dynamic import, when it is asked to serve.
  cli: ['raft-log', 'wal', 'snapshot', 'format', 'disk', 'errors', 'page'],
};

/** Rooms that enter another one by one of its files alone, beside those that are but words for what it tells. */
const DOORS: Readonly<Record<string, { readonly into: string; readonly by: readonly string[] }>> = {
  'raft-log': { into: 'wal', by: ['inside.js', 'report/*.js'] },
};

/** Rooms whose business is the outside world. All others get it from their Environment. */
const WORLDLY_ROOMS: ReadonlySet<string> = new Set(['disk', 'grpc', 'cli', 'page']);

/** Modules of Node that compute and touch nothing. */
const PURE_NODE_MODULES = ['path', 'util', 'assert'];

/** What else a room may import: packages, and modules of Node that are its own affair. */
const ROOM_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  format: ['crc-32', 'node:zlib'],
  disk: ['fs-native-extensions'],
  // Tells whose code a call comes out of; touches nothing outside.
  snapshot: ['node:async_hooks'],
  wal: ['eventemitter3'],
  // Channels are how a process tells tools of itself; nothing comes in by them.
  'raft-log': ['eventemitter3', 'node:diagnostics_channel'],
  testing: ['fast-check'],
  grpc: ['@grpc/grpc-js', '@grpc/reflection', '@bufbuild/protobuf/wire', 'grpc-health-check', 'prom-client'],
  // Loaded when a backup is made or read.
  cli: ['tar-stream'],
};

const THROUGH_THE_ENVIRONMENT =
  'Take it from the Environment (src/disk/environment.ts): the simulator must be able to give it.';

const WORLDLY_GLOBALS = [
  'Date',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'process',
  'crypto',
  'fetch',
  'WebSocket',
  'MessageChannel',
  'BroadcastChannel',
  'Worker',
  'FinalizationRegistry',
  'WeakRef',
  'globalThis',
  'global',
  'require',
];

interface ImportPattern {
  readonly regex: string;
  readonly message: string;
}

/** The rules for one room of `src/`. */
function roomRules(room: string): Linter.Config {
  const allowed = new Set([room, ...(ROOMS[room] ?? [])]);
  const patterns: ImportPattern[] = [outsideSrc(room)];
  const above = Object.keys(ROOMS).filter((other) => !allowed.has(other));
  if (above.length > 0) {
    patterns.push({
      regex: `^(\\.\\./)+(${above.join('|')})(/|$)`,
      message: `src/${room} may import only ${[...(ROOMS[room] ?? [])].join(', ') || 'nothing of the other rooms'}: imports point downwards, never to a sibling.`,
    });
  }
  const door = DOORS[room];
  if (door !== undefined) {
    patterns.push({
      regex: `^(\\.\\./)+${door.into}/(?!(${door.by.map(patternOf).join('|')})$)`,
      message: `src/${room} enters src/${door.into} by ${door.by.join(' and ')} alone, which name what it may use.`,
    });
  }
  patterns.push({
    regex: '^(\\.\\./)+index\\.js$',
    message: 'The entry point gathers the rooms; no room imports it.',
  });
  const isWorldly = WORLDLY_ROOMS.has(room);
  patterns.push(packages(room, [...(ROOM_PACKAGES[room] ?? [])], isWorldly));
  return {
    name: `keelson/layers/${room}`,
    files: [`src/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      ...(isWorldly ? {} : worldRules()),
    },
  };
}

function patternOf(path: string): string {
  return path.replaceAll('.', '\\.').replaceAll('*', '[a-z-]+');
}

/** Nothing in `src/` knows who uses it. */
function outsideSrc(room: string): ImportPattern {
  return {
    regex: '^(\\.\\./)+(sim|test|bench|examples|lab|dist)(/|$)',
    message: `src/${room} is used by sim/, test/, bench/, examples/ and lab/, and knows none of them.`,
  };
}

/** All imports by package name but those named, and, in worldly rooms, all of Node. */
function packages(room: string, allowed: readonly string[], isWorldly: boolean): ImportPattern {
  const node = isWorldly ? ['node:.*'] : PURE_NODE_MODULES.map((name) => `node:${name}`);
  const names = [...node, ...allowed.map((name) => name.replaceAll('.', '\\.'))];
  return {
    regex: `^(?!\\.)(?!(${names.join('|')})$)`,
    message: `src/${room} may import only ${names.join(', ')} by name. ${THROUGH_THE_ENVIRONMENT}`,
  };
}

/** As arguments, a hundred thousand of whatever it is overflow the stack. */
const NO_SPREAD_OF_MANY = {
  selector:
    'CallExpression[callee.property.name=/^(push|unshift|splice|concat|max|min|hypot|fromCharCode|fromCodePoint)$/] > SpreadElement',
  message: 'A list spread into arguments overflows the stack when it is long: go over it.',
};

/**
 * Bans on clocks, timers, randomness and whatever else the simulator must hold in its hand.
 *
 * @param except globals that may be used all the same
 * @param peers optional peers that may be loaded once they are needed
 */
function worldRules(except: readonly string[] = [], peers: readonly string[] = []): Linter.RulesRecord {
  const globals = WORLDLY_GLOBALS.filter((name) => !except.includes(name));
  return {
    'no-restricted-globals': [
      'error',
      ...globals.map((name) => ({ name, message: THROUGH_THE_ENVIRONMENT })),
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Math', property: 'random', message: THROUGH_THE_ENVIRONMENT },
      { object: 'AbortSignal', property: 'timeout', message: THROUGH_THE_ENVIRONMENT },
    ],
    'no-restricted-syntax': [
      'error',
      {
        selector: ['ImportExpression', ...peers.map((name) => `:not([source.value="${name}"])`)].join(''),
        message: 'A module loaded at run time escapes the check of the layers.',
      },
      NO_SPREAD_OF_MANY,
    ],
  };
}

/** The entry points in `src/` itself, and the simulator. */
const SPECIAL_PLACES: Linter.Config[] = [
  {
    name: 'keelson/layers/entry',
    files: ['src/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            outsideSrc('index.ts'),
            {
              regex: '^\\./(testing|grpc|cli)(/|$)',
              message: 'Importing keelson loads neither the conformance suite nor gRPC nor the command line.',
            },
            { regex: '^[^.]', message: 'The entry point only gathers the rooms.' },
          ],
        },
      ],
      ...worldRules(),
    },
  },
  {
    name: 'keelson/layers/sim',
    files: ['sim/**/*.ts'],
    // The tools at the command line are the simulator's own doors to the world.
    ignores: ['sim/cli/**', 'sim/mutants/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./)+(test|bench|examples|lab|dist)(/|$)',
              message:
                'The simulator is used by tests, benchmarks, examples and labs, and knows none of them.',
            },
            {
              regex: `^node:(?!(${[...PURE_NODE_MODULES, 'zlib'].join('|')})$)`,
              message: 'A simulated world has no real timer, thread, file or socket.',
            },
          ],
        },
      ],
      ...worldRules(),
    },
  },
  {
    name: 'keelson/layers/sim/world',
    files: ['sim/world/**/*.ts'],
    // Virtual time is driven from real turns of the event loop: here, and nowhere else in the simulator.
    rules: worldRules(['process', 'setImmediate', 'clearImmediate']),
  },
  {
    name: 'keelson/layers/sim/shrinking',
    files: ['sim/plan/smallest-plan.ts'],
    rules: worldRules([], ['fast-check']),
  },
];

/** No comment lifts a layer rule, nor any other, where the simulator leans on them. */
const config: Linter.Config[] = [
  {
    files: ['src/**/*.ts', 'sim/**/*.ts'],
    languageOptions: { parser, parserOptions: { jsDocParsingMode: 'none' } },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'off' },
    rules: { 'no-restricted-syntax': ['error', NO_SPREAD_OF_MANY] },
  },
  {
    files: ['src/**/*.ts', 'sim/**/*.ts'],
    ignores: ['**/generated/**'],
    rules: { 'no-warning-comments': ['error', { terms: ['oxlint-', 'eslint-'], location: 'anywhere' }] },
  },
  ...Object.keys(ROOMS).map(roomRules),
  ...SPECIAL_PLACES,
];

export default config;
