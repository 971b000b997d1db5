import { parseArgs } from 'node:util';
import { EXIT, ExitError } from './exit.js';
import { addressFault } from './net/address.js';

/** Who a new node is: given once, with `--init`, and kept in its folder. */
export interface Founding {
  readonly clusterId: string;
  readonly memberId: string;
  /** Of all members, this one included. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The others are a cluster already and add it; left out: it founds one with them. */
  readonly join?: {
    /** A checkpoint, or the log of another node, which may run: it begins with what that holds. Null: with nothing. */
    readonly backup: string | null;
  };
}

export interface NodeOptions {
  readonly folder: string;
  /** Null: the folder must hold a node. */
  readonly founding: Founding | null;
  /** Milliseconds between ticks; an election timeout is 10 to 20 of them. */
  readonly tickMs: number;
  readonly snapshotEveryEntries: number;
  readonly keepEntries: number;
  /** Bytes of entries that the log, and the Raft, keep in memory besides, for the same. */
  readonly recentBytes: number;
  readonly segmentBytes: number;
  /** A module whose default export is a `MakeEngine`, see host/engine.ts; null: the reference Raft. */
  readonly engine: string | null;
}

export const NODE_DEFAULTS: Readonly<Omit<NodeOptions, 'folder' | 'founding'>> = Object.freeze({
  tickMs: 50,
  snapshotEveryEntries: 10_000,
  keepEntries: 1000,
  recentBytes: 8 * 1024 * 1024,
  segmentBytes: 4 * 1024 * 1024,
  engine: null,
});

export const NODE_USAGE: string = `usage: node dist/examples/kv/main.js --data FOLDER [options]

a new node, once:
  --init                    make FOLDER; it must be empty or missing
  --cluster NAME            the cluster it founds with the others, 1..64 characters
  --id NAME                 its own name
  --member NAME=HOST:PORT   every member, itself included, one flag each; on loopback
  --join                    the others are a cluster already: they add it
  --backup PATH             with --join: begin with a checkpoint, or the log of another node

always:
  --data FOLDER             where the node keeps its log, and who it is
  --tick-ms N               an election timeout is 10 to 20 ticks, 5..10000 (default ${NODE_DEFAULTS.tickMs})
  --snapshot-every N        entries between snapshots, 10..1000000000 (default ${NODE_DEFAULTS.snapshotEveryEntries})
  --keep-entries N          entries kept behind a snapshot (default ${NODE_DEFAULTS.keepEntries})
  --recent-bytes N          bytes of entries kept in memory besides (default ${NODE_DEFAULTS.recentBytes})
  --segment-bytes N         size of a segment of the log, 4096..1073741824 (default ${NODE_DEFAULTS.segmentBytes})
  --engine FILE             a module that makes another Raft: ../etcd-raft/engine.js is one
  --help                    this text

exit codes: 0 stopped in order, 1 a rule was broken, 2 a flag is wrong, 3 disk, kernel or network,
            4 the folder is not a node's, 5 the cluster refuses this node`;

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const INTEGER_MAX = 1_000_000_000;

/** Reads the flags; `'help'` if that is all that is asked for. Throws an {@link ExitError} that names the flag. */
export function readNodeOptions(args: readonly string[]): NodeOptions | 'help' {
  const flags = parse(args);
  if (flags.help === true) return 'help';
  const { data: folder } = flags;
  if (folder === undefined || folder === '') throw wrong('--data is missing: the folder of the node');
  const founding = readFounding(flags);
  const { tickMs, snapshotEveryEntries, keepEntries, recentBytes, segmentBytes } = NODE_DEFAULTS;
  return {
    folder,
    founding,
    tickMs: whole('--tick-ms', flags['tick-ms'], tickMs, 5, 10_000),
    snapshotEveryEntries: whole(
      '--snapshot-every',
      flags['snapshot-every'],
      snapshotEveryEntries,
      10,
      INTEGER_MAX,
    ),
    keepEntries: whole('--keep-entries', flags['keep-entries'], keepEntries, 0, INTEGER_MAX),
    recentBytes: whole('--recent-bytes', flags['recent-bytes'], recentBytes, 1, INTEGER_MAX),
    segmentBytes: whole('--segment-bytes', flags['segment-bytes'], segmentBytes, 4096, 1024 ** 3),
    engine: flags.engine ?? null,
  };
}

type Flags = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        data: { type: 'string' },
        init: { type: 'boolean' },
        cluster: { type: 'string' },
        id: { type: 'string' },
        member: { type: 'string', multiple: true },
        join: { type: 'boolean' },
        backup: { type: 'string' },
        'tick-ms': { type: 'string' },
        'snapshot-every': { type: 'string' },
        'keep-entries': { type: 'string' },
        'recent-bytes': { type: 'string' },
        'segment-bytes': { type: 'string' },
        engine: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

function readFounding(flags: Flags): Founding | null {
  const { init, cluster, id, member, join, backup } = flags;
  if (init !== true) {
    const given = Object.entries({ cluster, id, member, join, backup }).find(
      ([, value]) => value !== undefined,
    );
    if (given === undefined) return null;
    throw wrong(`--${given[0]} goes with --init: later the node knows it from its folder`);
  }
  if (cluster === undefined || !NAME.test(cluster))
    throw wrong(`--cluster is '${cluster ?? ''}', expected a name`);
  if (id === undefined || !NAME.test(id)) throw wrong(`--id is '${id ?? ''}', expected a name`);
  const addresses = readMembers(member ?? []);
  if (!(id in addresses)) throw wrong(`--member ${id}=HOST:PORT is missing: a node is one of its members`);
  if (backup !== undefined && join !== true)
    throw wrong('--backup goes with --join: a new cluster begins empty');
  const joining = join === true ? { join: { backup: backup ?? null } } : {};
  return { clusterId: cluster, memberId: id, addresses, ...joining };
}

function readMembers(texts: readonly string[]): Record<string, string> {
  const addresses: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(at, 0));
    const address = text.slice(at + 1);
    if (!NAME.test(name)) throw wrong(`--member is '${text}', expected NAME=HOST:PORT`);
    const fault = addressFault(address);
    if (fault !== null) throw wrong(`--member ${name}: ${fault}`);
    const twin = Object.entries(addresses).find(([other, taken]) => other === name || taken === address);
    if (twin !== undefined)
      throw wrong(`--member ${text} and --member ${twin.join('=')} share a name or an address`);
    addresses[name] = address;
  }
  return addresses;
}

function whole(flag: string, text: string | undefined, usual: number, min: number, max: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw wrong(`${flag} is '${text}', expected a whole number in ${min}..${max}`);
}

function wrong(message: string): ExitError {
  return new ExitError(EXIT.usage, `${message}\n\n${NODE_USAGE}`);
}
