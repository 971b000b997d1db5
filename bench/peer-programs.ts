import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from './turns.js';

const peersDir = resolve(import.meta.dirname, '../../bench/peers');
const nodePeer = join(peersDir, 'node/peer.mjs');

/** How a peer is started in a directory, or why it is not there. */
export type Peer = { readonly name: string } & (
  | { readonly start: (dir: string) => Worker }
  | { readonly skipped: string }
);

/** A program of several peers, and how it comes to be there. */
interface Built {
  readonly program: string;
  readonly names: readonly string[];
  readonly tool: string;
  readonly build: readonly string[];
  readonly dir: string;
  /** How long that takes where no run should wait for it; null: the first run builds it. */
  readonly takes: string | null;
}

const GO = join(peersDir, 'go/peers');
const RUST = join(peersDir, 'rust/target/release/keelson-bench-peers');

const BUILT: readonly Built[] = [
  {
    program: GO,
    names: ['etcd-wal', 'raft-wal'],
    tool: 'go',
    build: ['build', '-o', GO, '.'],
    dir: join(peersDir, 'go'),
    takes: null,
  },
  {
    program: RUST,
    names: ['raft-engine', 'raft-log'],
    tool: 'cargo',
    build: ['build', '--release'],
    dir: join(peersDir, 'rust'),
    takes: 'half an hour and more on two cores',
  },
];

/** All peers, those that are not there by the reason. */
export function allPeers(): Peer[] {
  return [...nodePeers(), ...BUILT.flatMap(builtPeers)];
}

function nodePeers(): Peer[] {
  return ['better-sqlite3', 'classic-level', 'lmdb', 'node:sqlite'].map((name) => {
    // Without a directory it only loads the store.
    const loaded = spawnSync(process.execPath, [nodePeer, name], { stdio: 'ignore' });
    if (loaded.status === 0)
      return { name, start: (dir) => new Worker(name, process.execPath, [nodePeer, name, dir]) };
    const hint = name === 'node:sqlite' ? 'this Node has none' : 'npm install --prefix bench/peers/node';
    return { name, skipped: `not there: ${hint}` };
  });
}

/** Those that have to be built first, where their tools are. */
function builtPeers(built: Built): Peer[] {
  const { program, names, takes } = built;
  // What builds quickly is built each time: a program older than its source does not know what it is asked.
  const lack = takes !== null && existsSync(program) ? null : lackOf(built);
  return names.map((name) =>
    lack === null ? { name, start: (at) => new Worker(name, program, [name, at]) } : { name, skipped: lack },
  );
}

function lackOf({ tool, build, dir, takes }: Built): string | null {
  // Cargo knows no plain `version`.
  const asked = tool === 'go' ? 'version' : '--version';
  if (spawnSync(tool, [asked], { stdio: 'ignore' }).status !== 0) return `no ${tool}`;
  const command = `${tool} ${build.join(' ')} in ${dir}`;
  if (takes !== null) return `not built: run ${command} (${takes})`;
  if (spawnSync(tool, build, { cwd: dir, stdio: 'ignore' }).status === 0) return null;
  return `its build failed: run ${command}`;
}
