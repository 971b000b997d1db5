import { parseArgs } from 'node:util';
import type { VerifyReport } from '../../raft-log/verify-report.js';
import { given } from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';
import { dataOf } from '../dump-command.js';
import { EXIT, UsageError, type ExitCode } from '../exit.js';
import { SCHEMA_VERSION, type Output } from '../output.js';
import {
  counted,
  factsText,
  fitnessText,
  hardStateText,
  heldText,
  snapshotText,
  type Facts,
} from '../text.js';
import { verifyText } from '../verify-command.js';
import { dataForm, numberFlag, scopeOf, textFlag, type FlagValues } from '../flags.js';

const TEXT = { type: 'string' } as const;
const FLAGS = {
  'up-to': TEXT,
  from: TEXT,
  until: TEXT,
  data: TEXT,
  to: TEXT,
  scope: TEXT,
  json: { type: 'boolean' },
  'tls-ca': TEXT,
  'tls-cert': TEXT,
  'tls-key': TEXT,
  'token-file': TEXT,
} as const;
const NAME_WIDTH = 13;

const load = async () => {
  const { withPeers } = await import('../../grpc/peers.js');
  const { connectTo } = await withPeers(() => import('../../grpc/net/connect-raft-log.js'));
  return {
    connectTo,
    ...(await import('../../grpc/calls.js')),
    ...(await import('../../grpc/wire/state-message.js')),
    ...(await import('../../grpc/wire/json.js')),
    ...(await import('../../grpc/wire/entry-batch.js')),
  };
};
type Loaded = Awaited<ReturnType<typeof load>>;

interface Asked {
  readonly calls: ReturnType<Loaded['connectTo']>['calls'];
  readonly loaded: Loaded;
  readonly name: string;
  /** As the answers call it. */
  readonly place: string;
  readonly values: FlagValues;
  readonly output: Output;
}

const ACTIONS: Readonly<Record<string, (asked: Asked) => Promise<ExitCode>>> = {
  status,
  verify,
  dump,
  compact,
  checkpoint,
};

/** `keelson remote`: a log of a server, in the words of the commands for one that lies here. */
export async function remoteCommand(args: readonly string[], output: Output): Promise<ExitCode> {
  const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  const [action = '', place = '', ...rest] = positionals;
  const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (run === undefined)
    throw new UsageError('remote needs what to do: status, verify, dump, compact or checkpoint.');
  const [, address, name] = /^(.+:\d+)\/([^/]+)$/u.exec(place) ?? [];
  if (address === undefined || name === undefined)
    throw new UsageError('remote needs which log: HOST:PORT/NAME.');
  if (rest.length > 0) throw new UsageError(`'${rest.join(' ')}' is more than remote takes.`);
  const loaded = await load();
  const tls = given({
    caFile: textFlag(values, 'tls-ca'),
    certFile: textFlag(values, 'tls-cert'),
    keyFile: textFlag(values, 'tls-key'),
  });
  const { calls, close } = loaded.connectTo(address, {
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...given({ tokenFile: textFlag(values, 'token-file') }),
  });
  try {
    return await run({ calls, loaded, name, place, values, output });
  } catch (error) {
    if (error instanceof loaded.ConnectionLost) throw notAnswered(address, error);
    throw error;
  } finally {
    close();
  }
}

async function status({ calls, loaded, name, place, values, output }: Asked): Promise<ExitCode> {
  const { state, isAttached, epoch, directory } = await calls.getState({ name });
  if (state === undefined) throw new Error('the server answered without a state');
  const { firstIndex, lastIndex, lsn, snapshots, termRuns } = state;
  const hardState = loaded.hardStateOf(state.hardState);
  const unfitUntil = state.unfitUnbounded ? Infinity : (state.unfitUntil ?? 0);
  const [snapshot = null] = snapshots.map(withoutConf);
  const lastTerm = termRuns.at(-1)?.term ?? 0;
  const held = { firstIndex, lastIndex, lastTerm, lastLsn: lsn, hardState, snapshot, unfitUntil };
  const answer = { command: 'remote status', place, directory, isAttached, epoch, ...held };
  const facts: Facts = [
    ['directory', directory],
    ['session', isAttached ? `of epoch ${epoch}` : 'none'],
    ['entries', heldText({ firstIndex, lastIndex, lastTerm, readableFrom: firstIndex })],
    ['hard state', hardStateText(hardState)],
    ['snapshot', snapshotText(snapshot)],
    ['fit to vote', fitnessText(unfitUntil, hardState.commit)],
  ];
  await output.answer(values['json'] === true, answer, () => [place, '', ...factsText(facts, NAME_WIDTH)]);
  return EXIT.sound;
}

async function verify({ calls, loaded, name, place, values, output }: Asked): Promise<ExitCode> {
  let report: VerifyReport | undefined;
  for await (const { part } of calls.verify({ name }))
    if (part?.$case === 'reportJson') report = loaded.fromJson(part.value) as VerifyReport;
  if (report === undefined) throw new Error('the server ended without a report');
  const answer = { command: 'remote verify', place, ...report };
  await output.answer(values['json'] === true, answer, () => verifyText(place, answer));
  return report.verdict === 'sound' ? EXIT.sound : EXIT.damage;
}

async function dump({ calls, loaded, name, place, values, output }: Asked): Promise<ExitCode> {
  const { state } = await calls.getState({ name });
  const firstIndex = state?.firstIndex ?? 1;
  const end = (state?.lastIndex ?? 0) + 1;
  const from = Math.max(firstIndex, numberFlag(values, 'from') ?? firstIndex);
  const until = Math.min(end, numberFlag(values, 'until') ?? end);
  const form = dataForm(values);
  await output.json({ type: 'store', schemaVersion: SCHEMA_VERSION, place }, true);
  if (from >= until) return EXIT.sound;
  for await (const { entries } of calls.entries({ name, from, until })) {
    if (entries === undefined) continue;
    const batch = loaded.unpackEntries(entries);
    for (let index = batch.from; index < batch.until; index += 1) {
      const data = batch.data(index);
      const line = { type: 'entry', index, term: batch.term(index), kind: batch.kind(index) };
      await output.json({ ...line, bytes: data.length, ...dataOf(data, form) }, true);
    }
  }
  return EXIT.sound;
}

async function compact({ calls, name, place, values, output }: Asked): Promise<ExitCode> {
  const upTo = numberFlag(values, 'up-to');
  if (upTo === undefined) throw new UsageError('compact needs the last index to drop: --up-to N.');
  const { bytesFreed } = await calls.compact({ name, number: 0, upTo });
  await output.answer(values['json'] === true, { command: 'remote compact', place, upTo, bytesFreed }, () => [
    `${place} begins behind ${upTo}; ${counted(bytesFreed, 'byte')} freed`,
  ]);
  return EXIT.sound;
}

async function checkpoint({ calls, loaded, name, place, values, output }: Asked): Promise<ExitCode> {
  const to = textFlag(values, 'to');
  const scope = scopeOf(values);
  if (to === undefined) throw new UsageError('checkpoint needs a name for what it makes: --to NAME.');
  const asked = { name, to, scope: loaded.CHECKPOINT_SCOPES.lastIndexOf(scope) as 1 | 2 };
  const { directory, snapshot, segments, replayAfter, hardState } = await calls.checkpoint(asked);
  const [named = null] = [snapshot].flatMap((meta) => meta ?? []).map(withoutConf);
  const made = { scope, directory, snapshot: named, segments, replayAfter };
  const answer = { command: 'remote checkpoint', place, ...made, hardState: loaded.hardStateOf(hardState) };
  const which = named === null ? 'no snapshot' : `the snapshot of index ${named.index}`;
  await output.answer(values['json'] === true, answer, () => [
    `${directory}, on the server, is a checkpoint of ${place}: ${which}, ${counted(segments, 'segment')}`,
  ]);
  return EXIT.sound;
}

/** What is asked by these commands may be asked twice. */
function notAnswered(address: string, cause: Error): KeelsonError {
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `${address} gave no answer: ${cause.message}. Does keelson serve listen there, with TLS if --tls-ca is given and without if not? Then ask again, which changes nothing that was done.`,
    { path: address },
    cause,
  );
}

function withoutConf({ index, term, bytes }: { index: number; term: number; bytes: number }) {
  return { index, term, bytes };
}
