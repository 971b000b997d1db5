import { nodeEnvironment } from '../disk/node-environment.js';
import { identityText } from '../format/identity.js';
import { FORMAT_VERSION } from '../format/segment-header.js';
import { surveyLog, type LogSurvey } from '../raft-log/repair/survey-log.js';
import type { SurveyedSegment } from '../wal/survey/survey-store.js';
import { EXIT, type ExitCode } from './exit.js';
import type { CliOptions } from './options.js';
import { SCHEMA_VERSION, type Output } from './output.js';
import { spaceOf } from './space.js';
import { bytesText, damageText, indexText, rangeText, tableOf } from './text.js';
import { adviceFor } from './verify-command.js';

/** `keelson inspect`: what a store holds; of a damaged one, what can be read of it. */
export async function inspectCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir } = options;
  const environment = nodeEnvironment();
  const survey = await surveyLog({ environment, dir, walDir });
  const answer = { ...answerOf(survey), space: await spaceOf(environment.disk, survey.paths) };
  if (options.json) await output.json({ schemaVersion: SCHEMA_VERSION, command: 'inspect', dir, ...answer });
  else for (const line of textOf(dir, answer, survey)) await output.line(line);
  return answer.verdict === 'sound' ? EXIT.sound : EXIT.damage;
}

type Answer = ReturnType<typeof answerOf> & { readonly space: Awaited<ReturnType<typeof spaceOf>> };

/** What is told, as data. The state is that of the last stretch that can be replayed. */
function answerOf(survey: LogSurvey) {
  const { store, kind, pieces, damages, blemishes, snapshots } = survey;
  const { superblock } = store;
  const state = pieces[pieces.length - 1]?.state ?? null;
  const unfitUntil = Math.max(superblock?.unfitUntil ?? 0, state?.unfitUntil ?? 0);
  const isFit = (state?.hardState.commit ?? 0) >= unfitUntil;
  return {
    verdict: damages.length === 0 ? 'sound' : 'damaged',
    kind,
    format: FORMAT_VERSION,
    storeId: store.storeId === null ? null : identityText(store.storeId),
    epoch: store.highestEpoch,
    isCleanEnd: superblock?.isCleanEnd ?? null,
    firstIndex: state?.firstIndex ?? null,
    lastIndex: state?.lastIndex ?? null,
    lastTerm: state?.lastTerm ?? null,
    lastLsn: store.segments[store.segments.length - 1]?.run?.lastLsn ?? null,
    hardState: state?.hardState ?? null,
    snapshot: state?.snapshotName ?? null,
    unfitUntil: isFit ? 0 : unfitUntil,
    proven: { ...store.proven, storeId: undefined },
    segments: store.segments.map(segmentAnswer),
    snapshots: snapshots.map(({ index, term, path, fileBytes, meta, damage }) => {
      const isNamed = index === state?.snapshotName?.index && term === state.snapshotName.term;
      const found = { index, term, path, bytes: fileBytes, dataBytes: meta?.bytes ?? null };
      return { ...found, isNamed, damage: damage?.message ?? null };
    }),
    damage: damages,
    blemishes,
  };
}

function segmentAnswer(segment: SurveyedSegment) {
  const { number, path, fileBytes, header, run, frames, seal, lowest, holes } = segment;
  const entries = header === null || run === null ? null : { from: lowest, until: run.end.lastIndex + 1 };
  return {
    number,
    path,
    bytes: fileBytes,
    state: stateOf(segment),
    firstLsn: header?.firstLsn ?? null,
    lastLsn: run?.lastLsn ?? null,
    entries,
    terms: header === null || run === null ? null : [header.end.lastTerm, run.end.lastTerm],
    epoch: header?.epoch ?? null,
    frames,
    isSealed: seal !== 'absent',
    holes: holes.length,
  };
}

function stateOf({ fileBytes, header, holes, seal }: SurveyedSegment): string {
  if (fileBytes === null) return 'missing';
  if (header === null) return 'unreadable';
  if (holes.length > 0) return 'holes';
  return seal === 'absent' ? 'open' : 'sealed';
}

function textOf(dir: string, answer: Answer, survey: LogSurvey): readonly string[] {
  const { hardState, snapshot, space, damage, unfitUntil, kind } = answer;
  const isSound = answer.verdict === 'sound';
  const count = damage.length === 1 ? '1 place' : `${damage.length} places`;
  const lines = [isSound ? `${dir} is sound` : `${dir} is DAMAGED in ${count}`, ''];
  const facts: [string, string][] = [
    ['store', `${answer.storeId ?? 'unknown'} (${kind}, format ${answer.format}, epoch ${answer.epoch})`],
  ];
  if (kind === 'raft') {
    const { firstIndex, lastIndex, lastTerm } = answer;
    const range =
      firstIndex === null || lastIndex === null ? null : { from: firstIndex, until: lastIndex + 1 };
    facts.push(
      ['entries', range === null ? 'none readable' : `${rangeText(range)} (last term ${lastTerm ?? 0})`],
      ['hard state', hardState === null ? 'unreadable' : hardStateText(hardState)],
      ['snapshot', snapshot === null ? 'none' : `index ${snapshot.index}, term ${snapshot.term}`],
      ['fit to vote', unfitUntil === 0 ? 'yes' : `NO, until commit reaches ${indexText(unfitUntil)}`],
    );
  }
  const { segments, spares, snapshots, quarantine, free } = space;
  facts.push(
    ['proven', `LSN ${survey.store.proven.lsn} of ${answer.lastLsn ?? 'none'} read`],
    ['last end', answer.isCleanEnd === true ? 'closed' : 'not closed, or still open'],
    [
      'space',
      `segments ${bytesText(segments)}, spares ${bytesText(spares)}, snapshots ${bytesText(snapshots)}, quarantine ${bytesText(quarantine)}; free ${bytesText(free)}`,
    ],
  );
  for (const [name, value] of facts) lines.push(`${name.padEnd(12)} ${value}`);
  lines.push('', ...segmentTable(answer), ...snapshotTable(answer));
  if (isSound) return lines;
  if (kind === 'raft') lines.push('', 'The state above is that of the last stretch that can be read.');
  return [...lines, '', ...damage.flatMap(damageText), '', ...adviceFor(dir)];
}

function hardStateText({ term, vote, commit }: NonNullable<Answer['hardState']>): string {
  return `term ${term}, vote ${vote === null ? 'none' : JSON.stringify(vote)}, commit ${commit}`;
}

function segmentTable({ segments }: Answer): readonly string[] {
  const rows = segments.map(({ number, bytes, state, firstLsn, lastLsn, entries, terms, frames }) => [
    number,
    state,
    bytesText(bytes ?? 0),
    entries === null ? '-' : rangeText(entries),
    terms === null ? '-' : terms.join('..'),
    firstLsn === null || lastLsn === null ? '-' : rangeText({ from: firstLsn, until: lastLsn + 1 }),
    frames,
  ]);
  return tableOf(['segment', 'state', 'size', 'entries', 'terms', 'LSNs', 'frames'], rows);
}

function snapshotTable({ snapshots }: Answer): readonly string[] {
  if (snapshots.length === 0) return [];
  const rows = snapshots.map(({ index, term, bytes, isNamed, damage }) => {
    const state = damage === null ? (isNamed ? 'in use' : 'kept') : 'damaged';
    return [index, term, bytesText(bytes), state];
  });
  return ['', ...tableOf(['snapshot at', 'term', 'size', 'state'], rows)];
}
