import type { Readable } from 'node:stream';
import { nodeEnvironment } from '../disk/node-environment.js';
import { importLog } from '../raft-log/copies/import-log.js';
import { EXIT, type ExitCode } from './exit.js';
import { readEtcdWal } from './import/etcd-wal.js';
import type { FoundForeign } from './import/foreign.js';
import { readJsonl } from './import/jsonl.js';
import { readRaftBoltdb } from './import/raft-boltdb.js';
import type { CliOptions, ForeignForm } from './options.js';
import type { Output } from './output.js';
import { factsText, fitnessText, hardStateText, snapshotText, wrapped, type Facts } from './text.js';

const READERS: Readonly<Record<ForeignForm, (path: string, stdin: Readable) => Promise<FoundForeign>>> = {
  'etcd-wal': readEtcdWal,
  'raft-boltdb': readRaftBoltdb,
  jsonl: readJsonl,
};

/** `keelson import`: a store of the log of another program, which is only read. */
export async function importCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, form, to, json } = options;
  const foreign = await READERS[form](dir, output.host.stdin);
  const made = await importLog(nodeEnvironment(), to, `an import of ${dir}`, foreign);
  const { firstIndex, lastIndex, hardState, unfitUntil } = made;
  const [snapshot, left] = [foreign.snapshot(), foreign.left()];
  const answer = { from: dir, form, to, ...made, snapshot, left };
  const facts: Facts = [
    ['  entries', lastIndex < firstIndex ? 'none' : `${firstIndex}..${lastIndex}`],
    ['  hard state', hardStateText(hardState)],
    ['  fit to vote', fitnessText(unfitUntil, hardState.commit)],
    ['  snapshot', snapshot === null ? 'none named' : `named at ${snapshotText(snapshot)}`],
  ];
  await output.answer(json, { command: 'import', ...answer }, () => [
    { text: `${to} holds the log of ${dir === '-' ? 'stdin' : dir}`, style: 'green' },
    ...factsText(facts, 14),
    ...left.flatMap((sentence) => wrapped(`  left: ${sentence}`, 4)),
    ...(snapshot === null ? [] : ['', ...wrapped(MEANING)]),
  ]);
  return EXIT.sound;
}

const MEANING =
  'The data of the snapshot was not in what was imported. Put the state machine there yourself; where entries in front of the first are missing, nothing else holds them.';
