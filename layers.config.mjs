/**
 * The house as lint rules: which room may import which, and which code may touch the world outside. The
 * drawing of the same rooms stands in docs/design.md; test/house/layers.test.ts plants a violation of each kind
 * and sees it caught. All other rules stand in .oxlintrc.json. What no rule of oxlint can say stands in layers.plugin.mjs.
 *
 * A rule that belongs here is one that the simulator leans on (nothing reaches around the Environment), or one
 * that keeps the rooms readable one by one (imports point downwards only).
 */

/** For each room of `src/`, the rooms that it may import. Never a sibling, never upwards. */
export const ROOMS = {
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
const DOORS = {
  'raft-log': { into: 'wal', by: ['inside.js', 'report/*.js'] },
};

/** Rooms whose business is the outside world. All others get it from their Environment. */
const WORLDLY_ROOMS = new Set(['disk', 'grpc', 'cli', 'page']);

/** Modules of Node that compute and touch nothing. */
const PURE_NODE_MODULES = ['path', 'util', 'assert'];

/** What else a room may import: packages, and modules of Node that are its own affair. */
const ROOM_PACKAGES = {
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

/** The rules for one room of `src/`. */
function roomRules(room) {
  const allowed = new Set([room, ...(ROOMS[room] ?? [])]);
  const patterns = [outsideSrc(room)];
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
    files: [`src/${room}/**/*.ts`],
    rules: {
      'layers/imports': ['error', patterns],
      ...(isWorldly ? {} : worldRules()),
    },
  };
}

function patternOf(path) {
  return path.replaceAll('.', '\\.').replaceAll('*', '[a-z-]+');
}

/** Nothing in `src/` knows who uses it. */
function outsideSrc(room) {
  return {
    regex: '^(\\.\\./)+(sim|test|bench|examples|lab|dist)(/|$)',
    message: `src/${room} is used by sim/, test/, bench/, examples/ and lab/, and knows none of them.`,
  };
}

/** All imports by package name but those named, and, in worldly rooms, all of Node. */
function packages(room, allowed, isWorldly) {
  const node = isWorldly ? ['node:.*'] : PURE_NODE_MODULES.map((name) => `node:${name}`);
  const names = [...node, ...allowed.map((name) => name.replaceAll('.', '\\.'))];
  return {
    regex: `^(?!\\.)(?!(${names.join('|')})$)`,
    message: `src/${room} may import only ${names.join(', ')} by name. ${THROUGH_THE_ENVIRONMENT}`,
  };
}

/**
 * Bans on clocks, timers, randomness and whatever else the simulator must hold in its hand.
 *
 * @param except globals that may be used all the same
 * @param peers optional peers that may be loaded once they are needed
 */
function worldRules(except = [], peers = []) {
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
    'layers/no-import-at-run-time': ['error', ...peers],
  };
}

/** The entry points in `src/` itself, and the simulator. */
const SPECIAL_PLACES = [
  {
    files: ['src/*.ts'],
    rules: {
      'layers/imports': [
        'error',
        [
          outsideSrc('index.ts'),
          {
            regex: '^\\./(testing|grpc|cli)(/|$)',
            message: 'Importing keelson loads neither the conformance suite nor gRPC nor the command line.',
          },
          { regex: '^[^.]', message: 'The entry point only gathers the rooms.' },
        ],
      ],
      ...worldRules(),
    },
  },
  {
    files: ['sim/**/*.ts'],
    // The tools at the command line are the simulator's own doors to the world.
    excludeFiles: ['sim/cli/**', 'sim/mutants/**'],
    rules: {
      'layers/imports': [
        'error',
        [
          {
            regex: '^(\\.\\./)+(test|bench|examples|lab|dist)(/|$)',
            message: 'The simulator is used by tests, benchmarks, examples and labs, and knows none of them.',
          },
          {
            regex: `^node:(?!(${[...PURE_NODE_MODULES, 'zlib'].join('|')})$)`,
            message: 'A simulated world has no real timer, thread, file or socket.',
          },
        ],
      ],
      ...worldRules(),
    },
  },
  {
    files: ['sim/world/**/*.ts'],
    // Virtual time is driven from real turns of the event loop: here, and nowhere else in the simulator.
    rules: worldRules(['process', 'setImmediate', 'clearImmediate']),
  },
  {
    files: ['sim/plan/smallest-plan.ts'],
    rules: worldRules([], ['fast-check']),
  },
];

const config = {
  jsPlugins: ['./layers.plugin.mjs'],
  plugins: [],
  categories: { correctness: 'off' },
  // What is generated brings comments of its own; those of oxlint are refused by test/house/layers.test.ts.
  options: { respectEslintDisableDirectives: false },
  overrides: [
    { files: ['src/**/*.ts', 'sim/**/*.ts'], rules: { 'layers/no-spread-of-many': 'error' } },
    ...Object.keys(ROOMS).map(roomRules),
    ...SPECIAL_PLACES,
  ],
};

export default config;
