import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFailed } from '../../disk/disk-failure.js';
import { systemCode } from '../../disk/index.js';
import type { Entry, HardState } from '../../raft-log/contract.js';
import { readBolt, type BoltFile } from './bolt-file.js';
import { foreignDamage, noForeignLog, type FoundForeign } from './foreign.js';
import { readMsgpackMap } from './msgpack.js';

const FILE_NAME = 'raft.db';

/**
 * The store of hashicorp/raft in a file of bbolt (raft-boltdb): `raft.db`, or the directory that holds it, with the snapshots
 * beside it. Read only. An entry's kind is hashicorp's type; a commit index is not in it.
 */
export async function readRaftBoltdb(path: string): Promise<FoundForeign> {
  const { file, dir } = await placeOf(path);
  const bolt = await readBolt(file);
  const first = firstEntryOf(file, bolt);
  const snapshot = dir === null ? null : await newestSnapshot(join(dir, 'snapshots'));
  const left: string[] = [];
  const boundary = boundaryOf(first?.index ?? null, snapshot, left);
  return {
    boundary,
    entries: async function* () {
      let extensions = 0;
      for (const [key, value] of bolt.pairsOf('logs')) {
        const { entry, hasExtensions } = entryOf(file, key, value);
        if (entry.index <= boundary.index) continue;
        if (hasExtensions) extensions += 1;
        yield await Promise.resolve(entry);
      }
      if (extensions > 0) left.push(`the extensions of ${extensions} entries`);
    },
    end: () => ({ hardState: hardStateOf(bolt, boundary.index), unfitUntil: 0, stable: {} }),
    snapshot: () => snapshot,
    left: () => left,
  };
}

async function placeOf(path: string): Promise<{ readonly file: string; readonly dir: string | null }> {
  try {
    return (await stat(path)).isDirectory()
      ? { file: join(path, FILE_NAME), dir: path }
      : { file: path, dir: null };
  } catch (error) {
    throw readFailed('what is imported', { path }, error);
  }
}

function firstEntryOf(path: string, bolt: BoltFile): Entry | null {
  for (const [key, value] of bolt.pairsOf('logs')) return entryOf(path, key, value).entry;
  return null;
}

function boundaryOf(
  first: number | null,
  snapshot: { readonly index: number; readonly term: number } | null,
  left: string[],
): { readonly index: number; readonly term: number } {
  if (first === 1 || (first === null && snapshot === null)) return { index: 0, term: 0 };
  if (snapshot !== null && snapshot.index >= (first ?? 1) - 1)
    return { index: snapshot.index, term: snapshot.term };
  left.push('the term of the entry in front of the first, which nothing says');
  return { index: (first ?? 1) - 1, term: 0 };
}

function entryOf(
  path: string,
  key: Buffer,
  value: Buffer,
): { readonly entry: Entry; readonly hasExtensions: boolean } {
  const map = key.length === 8 ? readMsgpackMap(value) : null;
  if (map === null) throw noForeignLog(path, 'its bucket logs holds what is no entry of raft-boltdb');
  const [index, term, kind, data] = [
    map.get('Index'),
    map.get('Term'),
    map.get('Type') ?? 0,
    map.get('Data') ?? null,
  ];
  const isWhole =
    typeof index === 'number' &&
    typeof term === 'number' &&
    typeof kind === 'number' &&
    (data === null || Buffer.isBuffer(data));
  if (!isWhole || BigInt(Number.isSafeInteger(index) ? index : 0) !== key.readBigUInt64BE(0))
    throw foreignDamage(path, 0, `the entry under key ${key.toString('hex')} is not what its key says`);
  const extensions = map.get('Extensions');
  const hasExtensions = Buffer.isBuffer(extensions) && extensions.length > 0;
  return { entry: { index, term, kind, data: data ?? new Uint8Array() }, hasExtensions };
}

/** What is below the snapshot was committed; of all else hashicorp/raft keeps no commit index. */
function hardStateOf(bolt: BoltFile, commit: number): HardState {
  const conf = new Map([...bolt.pairsOf('conf')].map(([key, value]) => [key.toString(), value]));
  const numberOf = (key: string): number => {
    const value = conf.get(key);
    return value?.length === 8 ? Number(value.readBigUInt64BE(0)) : 0;
  };
  const term = numberOf('CurrentTerm');
  const candidate = conf.get('LastVoteCand')?.toString() ?? '';
  return { term, vote: numberOf('LastVoteTerm') === term && candidate !== '' ? candidate : null, commit };
}

/** As hashicorp's file snapshots are: a directory for each, with `meta.json` in it. */
async function newestSnapshot(
  dir: string,
): Promise<{ readonly index: number; readonly term: number } | null> {
  let names: readonly string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw readFailed('a directory', { path: dir }, error);
  }
  let newest: { readonly index: number; readonly term: number } | null = null;
  for (const name of names.filter((one) => !one.endsWith('.tmp'))) {
    const path = join(dir, name, 'meta.json');
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) continue;
    const { Index: index, Term: term } = JSON.parse(text) as {
      readonly Index?: unknown;
      readonly Term?: unknown;
    };
    if (typeof index !== 'number' || typeof term !== 'number')
      throw foreignDamage(path, 0, 'it names no index and term');
    if (newest === null || index > newest.index) newest = { index, term };
  }
  return newest;
}
