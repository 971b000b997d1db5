/** What the command line can do, as a person is told: one table, from which usage, help and parsing are made. */

export const COMMANDS = [
  'inspect',
  'verify',
  'dump',
  'repair',
  'unfit',
  'checkpoint',
  'clone',
  'backup',
  'restore',
  'import',
] as const;
export type Command = (typeof COMMANDS)[number];

/** Flags, and what stands behind them on the command line; null where nothing does. */
export const FLAGS = {
  'wal-dir': 'PATH',
  'to-wal-dir': 'PATH',
  json: null,
  html: 'FILE',
  bytes: 'N',
  quiet: null,
  from: 'N',
  to: 'PATH',
  scope: 'SCOPE',
  identity: 'WHO',
  'whole-cluster': null,
  since: 'LSN',
  until: 'N',
  data: 'FORM',
  term: 'T',
  plan: null,
  apply: null,
  help: null,
  version: null,
} as const;
export type Flag = keyof typeof FLAGS;

interface CommandHelp {
  /** In the list of all commands. */
  readonly summary: string;
  readonly usage: string;
  readonly text: readonly string[];
  /** Flags beyond those of every command. */
  readonly flags: Readonly<Partial<Record<Flag, string>>>;
}

const COMMON: Readonly<Partial<Record<Flag, string>>> = {
  'wal-dir': 'where the segments are, if they are not in DIR',
  json: 'the answer, an error too, as one JSON object',
  quiet: 'no progress on stderr',
};

const COPY_FLAGS: Readonly<Partial<Record<Flag, string>>> = {
  to: 'the directory of the new store; it may be there if it is empty',
  identity: 'new-member: joins under a new id; same: replaces its original',
  'whole-cluster': 'with same: all members come from copies of one moment',
  'to-wal-dir': 'its segments, if not inside it; empty or not there',
};

const PLAN = 'say what would be done; change nothing';

const HELP: Readonly<Record<Command, CommandHelp>> = {
  inspect: {
    summary: 'what a store holds; of a damaged one, what can be read',
    usage: 'inspect DIR [--html FILE [--bytes N]] [--wal-dir PATH] [--json]',
    text: [
      'What the store in DIR holds: entries, hard state, snapshots, fitness to vote,',
      'segments and space. Changes nothing, takes no lock, is safe beside a running',
      'server.',
    ],
    flags: {
      html: 'a map of the store too, as one page; FILE is written over',
      bytes: 'with --html: bytes of its data to show of a frame, 0..64',
    },
  },
  verify: {
    summary: 'read all of it, hold it against its checksums, say every damage',
    usage: 'verify DIR [--wal-dir PATH] [--json] [--quiet]',
    text: [
      'Reads every byte of the store in DIR that counts, or of a checkpoint, and holds',
      'it against its checksum. Says every damage, its place and the entries that it',
      'costs. Changes nothing, takes no lock, is safe beside a running server.',
    ],
    flags: {},
  },
  dump: {
    summary: 'its records as JSON lines',
    usage: 'dump DIR [--from N] [--until N] [--data FORM] [--wal-dir PATH]',
    text: [
      'The records of the store in DIR, one JSON object a line, in the order in which',
      'they were written: an index that comes twice was replaced by the later one.',
      'Damages, and what ended it early, are lines too. Changes nothing, takes no lock.',
    ],
    flags: {
      from: 'entries from index N on',
      until: 'entries below index N',
      data: 'how bytes are shown: base64 (default), hex, utf8 or none',
    },
  },
  repair: {
    summary: 'keep what can be kept of a damaged store',
    usage: 'repair DIR (--plan | --apply) [--wal-dir PATH] [--json] [--quiet]',
    text: [
      'What can be kept of the damaged store in DIR, what would be lost, and whether',
      'that may have been acknowledged. Stop the server before --apply. Better than a',
      'repair, where it can be done: let the server join again as a new member.',
    ],
    flags: { plan: PLAN, apply: 'do it; what is replaced goes to quarantine/, none is deleted' },
  },
  unfit: {
    summary: 'mark a restored store unfit to vote',
    usage: 'unfit DIR [--plan | --apply] [--term T --until N] [--json]',
    text: [
      'Marks the store in DIR, restored from a backup, a copy or a snapshot of its',
      'volume, unfit to vote: it may have voted, and acknowledged entries, since that',
      'was taken, and does not know it. It follows and catches up as before. Without',
      '--term and --until it never votes again: let it join under a new member id.',
    ],
    flags: {
      plan: `${PLAN} (default)`,
      apply: 'do it; the server must be stopped',
      term: 'the highest term that any other member is in',
      until: 'the last index of the leader; at commit N it votes again',
    },
  },
  checkpoint: {
    summary: 'copy what a store holds at this moment into a directory',
    usage: 'checkpoint DIR --to PATH [--scope durable|all] [--json]',
    text: [
      'A copy of the store in DIR as it is at this moment, from which clone makes a',
      'store. It is none itself: no server opens it. Changes nothing in DIR, takes no',
      'lock, is safe beside a running server.',
    ],
    flags: {
      to: 'the directory that is made; it may be there if it is empty',
      scope: 'durable (default): snapshot and segments; all: no segment',
    },
  },
  clone: {
    summary: 'make a store of another one, or of a checkpoint',
    usage: 'clone DIR --to PATH --identity WHO [--whole-cluster] [--json]',
    text: [
      'A store of its own, equal to the one in DIR at one moment, which may be running,',
      'or to a checkpoint. --wal-dir says where the segments of DIR are, --to-wal-dir',
      'where those of the clone are to be. Changes nothing in DIR.',
    ],
    flags: COPY_FLAGS,
  },
  backup: {
    summary: 'write a store, or what came since, as one stream',
    usage: 'backup DIR --to FILE|- [--since LSN] [--wal-dir PATH] [--json]',
    text: [
      'One stream (tar) of what the store in DIR holds at this moment, to a new file or',
      'with - to stdout. Needs room beside DIR for copies of the segments behind its',
      'snapshot. Says the LSN that it ends at, for the --since of the next. Changes',
      'nothing in DIR, takes no lock, is safe beside a running server.',
    ],
    flags: { to: 'the file that is made, or - for stdout', since: 'only what came behind that LSN' },
  },
  restore: {
    summary: 'make a store of a backup, and of those since',
    usage: 'restore FILE|-.. --to PATH --identity WHO [--whole-cluster]',
    text: [
      'A store of its own of a backup, and of those that were taken --since it, in',
      'their order. Every checksum is held against its bytes; a part that is missing',
      'between is refused by its name. Nothing is overwritten.',
    ],
    flags: COPY_FLAGS,
  },
  import: {
    summary: 'make a store of the log of another program',
    usage: 'import DIR --from etcd-wal|raft-boltdb|jsonl --to PATH [--json]',
    text: [
      'A store of the entries, the hard state and the snapshot marker of another log,',
      'which is only read: etcd-wal is a directory of segments of etcd, raft-boltdb the',
      'raft.db of hashicorp/raft or its directory, jsonl what dump prints, in a file or',
      'with - on stdin. Says what it took and what it left.',
    ],
    flags: { from: 'what DIR is', to: 'the directory of the new store' },
  },
};

/** One line: how a command, or any of them, is called. */
export function usageOf(command: Command | null): string {
  return `usage: keelson ${command === null ? 'COMMAND DIR [options]' : HELP[command].usage}`;
}

/** True if the command knows the flag. */
export function knowsFlag(command: Command, flag: Flag): boolean {
  return flag in COMMON || flag in HELP[command].flags || flag === 'help';
}

/** All that is to say of a command, or of all of them. */
export function helpOf(command: Command | null): string {
  if (command === null) return overview();
  const { text, flags } = HELP[command];
  return [usageOf(command), '', ...text, '', ...flagLines({ ...flags, ...COMMON })].join('\n');
}

function overview(): string {
  return [
    usageOf(null),
    '',
    'DIR is the directory of a store: the `dir` of openRaftLog.',
    '',
    ...COMMANDS.map((command) => `  ${command.padEnd(11)}${HELP[command].summary}`),
    '  serve      logs below a directory, to clients over gRPC',
    '  remote     look at a log of such a server',
    '  conformance  judge a client of the service by its cases',
    '',
    'keelson COMMAND --help   the options of a command',
    'keelson --version',
    '',
    'All but repair --apply and unfit --apply change nothing and are safe beside a',
    'running server.',
    'Exit codes: 0 sound or done, 1 damage, 2 wrong usage, 3 locked, unreadable, not',
    'there or no log, 130 interrupted.',
  ].join('\n');
}

function flagLines(flags: Readonly<Partial<Record<Flag, string>>>): readonly string[] {
  return Object.entries(flags).map(([flag, text]) => {
    const value = FLAGS[flag as Flag];
    return `  --${value === null ? flag : `${flag} ${value}`}`.padEnd(17) + ` ${text}`;
  });
}
