import { writeFile } from 'node:fs/promises';
import { patient } from '../disk/disk-watch.js';
import { systemCode } from '../disk/system-error.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import type { CheckpointFile } from '../format/checkpoint-file.js';
import { identityText } from '../format/identity.js';
import { FORMAT_VERSION } from '../format/segment-header.js';
import { surveyLog, type LogSurvey } from '../raft-log/repair/survey-log.js';
import type { SurveyedFrame } from '../wal/survey/survey-segment.js';
import type { SurveyedSegment } from '../wal/survey/store-survey.js';
import { adviceFor, isOpened } from './advice.js';
import { inHex } from './dump-command.js';
import { EXIT, type ExitCode, UsageError } from './exit.js';
import { StoreMap } from './map/store-map.js';
import { storePage } from './map/store-page.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import { holdersOf, spaceOf, type HeldSpace } from './space.js';
import {
  bytesText,
  counted,
  damageText,
  factsText,
  factText,
  fitnessText,
  hardStateText,
  heldText,
  noteText,
  rangeText,
  snapshotText,
  tableOf,
  type Facts,
  type Line,
} from './text.js';
import { verdictLine } from './verify-command.js';

/** `keelson inspect`: what a store holds; of a damaged one, what can be read of it. */
export async function inspectCommand(options: CliOptions, output: Output): Promise<ExitCode> {
  const { dir, walDir } = options;
  const environment = patient(nodeEnvironment());
  const terms = new SegmentTerms();
  const map = new StoreMap();
  const onFrame = (frame: SurveyedFrame): void => {
    terms.add(frame);
    if (options.html !== null) map.add(frame);
  };
  const survey = await surveyLog({ environment, dir, walDir, onFrame });
  const found = answerOf(survey, terms);
  const space = await spaceOf(environment.disk, survey.paths);
  const opens = found.verdict === 'damaged' ? isOpened(found.damage) : null;
  const holders = survey.kind === 'raft' ? await holdersOf(environment.disk, survey) : [];
  const answer = { ...found, opens, space, holders };
  if (options.html !== null) {
    const facts = factsOf(answer, survey);
    const commit = found.hardState?.commit ?? 0;
    const advice = found.damage.length === 0 ? [] : adviceFor(options, survey.kind, found.damage);
    const page = storePage({ dir, survey, map, facts, holders, commit, advice, payloadBytes: options.bytes });
    await written(options.html, page);
  }
  await output.answer(options.json, { command: 'inspect', dir, ...answer }, () =>
    textOf(options, answer, survey),
  );
  return answer.verdict === 'sound' ? EXIT.sound : EXIT.damage;
}

async function written(path: string, page: string): Promise<void> {
  try {
    await writeFile(path, page);
  } catch (error) {
    const why = systemCode(error) ?? String(error);
    throw new UsageError(`--html is '${path}', which cannot be written: ${why}.`, 'inspect');
  }
}

type Answer = ReturnType<typeof answerOf> & {
  /** Whether a server opens a damaged store; null where it is sound. */
  readonly opens: boolean | null;
  readonly space: Awaited<ReturnType<typeof spaceOf>>;
  readonly holders: readonly HeldSpace[];
};

/** The terms of the entries in each segment. The term that the log had come to before it is not one of them. */
class SegmentTerms {
  readonly #terms = new Map<string, { readonly from: number; readonly to: number }>();

  add({ header, path }: SurveyedFrame): void {
    if (header.until <= header.from) return;
    const known = this.#terms.get(path);
    const from = Math.min(known?.from ?? Infinity, header.lowTerm);
    this.#terms.set(path, { from, to: Math.max(known?.to ?? 0, header.highTerm) });
  }

  of(path: string): { readonly from: number; readonly to: number } | null {
    return this.#terms.get(path) ?? null;
  }
}

/** What is told, as data. The state is that of the last stretch that can be replayed. */
function answerOf(survey: LogSurvey, terms: SegmentTerms) {
  const { store, kind, pieces, state, damages, blemishes, snapshots } = survey;
  const { checkpoint } = store.slots;
  const superblock = checkpoint === null ? store.superblock : null;
  const unfitUntil = state?.unfitUntil ?? 0;
  const isFit = (state?.hardState.commit ?? 0) >= unfitUntil;
  return {
    verdict: damages.length === 0 ? 'sound' : 'damaged',
    kind,
    format: FORMAT_VERSION,
    storeId: superblock === null ? null : identityText(superblock.storeId),
    lineage: store.lineage === null ? null : identityText(store.lineage),
    origin: superblock?.origin ?? null,
    epoch: store.highestEpoch,
    /** Null: it is a store. */
    checkpoint: takenAt(checkpoint?.file ?? null),
    isCleanEnd: superblock?.isCleanEnd ?? null,
    firstIndex: state?.firstIndex ?? null,
    lastIndex: state?.lastIndex ?? null,
    /** Entries in front of it cannot be read. */
    readableFrom: state === null ? null : Math.max(state.firstIndex, pieces.at(-1)?.known ?? 0),
    lastTerm: state?.lastTerm ?? null,
    lastLsn: store.segments.at(-1)?.run?.lastLsn ?? checkpoint?.file?.proven.lsn ?? null,
    hardState: state?.hardState ?? null,
    snapshot: state?.snapshotName ?? null,
    /** Small values, in hex. */
    stable: inHex(state?.stable ?? []),
    unfitUntil: isFit ? 0 : unfitUntil,
    proven: { ...store.proven, lineage: undefined },
    segments: store.segments.map((segment) => segmentAnswer(segment, terms)),
    snapshots: snapshots.map(({ index, term, path, fileBytes, meta, damage }) => {
      const isNamed = index === state?.snapshotName?.index && term === state.snapshotName.term;
      const found = { index, term, path, bytes: fileBytes, dataBytes: meta?.bytes ?? null };
      return { ...found, isNamed, damage: damage?.message ?? null };
    }),
    damage: damages,
    blemishes,
  };
}

/** What a checkpoint says of itself. */
function takenAt(file: CheckpointFile | null) {
  return file === null ? null : { scope: file.scope, lsn: file.proven.lsn, replayAfter: file.replayAfter };
}

function segmentAnswer(segment: SurveyedSegment, terms: SegmentTerms) {
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
    terms: terms.of(path),
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

function textOf(options: CliOptions, answer: Answer, survey: LogSurvey): readonly Line[] {
  const { damage, blemishes, kind } = answer;
  const lines = [
    verdictLine(options.dir, damage.length),
    '',
    ...factsText(factsOf(answer, survey), NAME_WIDTH),
    '',
    ...holderText(answer),
    ...segmentTable(answer),
    ...snapshotTable(answer),
  ];
  if (blemishes.length > 0) for (const line of ['', ...blemishes.flatMap(noteText)]) lines.push(line);
  if (damage.length === 0) return lines;
  if (kind !== 'wal') lines.push('', 'The state above is that of the last stretch that can be read.');
  return [...lines, '', ...damage.flatMap(damageText), '', ...adviceFor(options, kind, damage)];
}

/** Bytes by who needs them; what another process keeps is not seen from outside. */
function holderText({ holders }: Answer): readonly string[] {
  const lines = holders.flatMap(({ kind, bytes, ageMs, frees }) => {
    const age = ageMs === null ? '' : `, the oldest of ${ageText(ageMs)} ago`;
    return factText(
      `  ${kind.replace('-', ' ')}`,
      `${bytesText(bytes)}${age}; freed by ${frees}`,
      HOLDER_WIDTH,
    );
  });
  return lines.length === 0 ? [] : ['held by', ...lines, ''];
}

const HOLDER_WIDTH = 18;

function ageText(ms: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
  ] as const;
  for (const [unitMs, name] of units) if (ms >= unitMs) return counted(Math.floor(ms / unitMs), name);
  return 'less than a minute';
}

const NAME_WIDTH = 12;

/** The small values by key: how long each is; what it holds says `--json`. */
function valuesText(stable: Answer['stable']): string {
  const values = Object.entries(stable).map(
    ([key, value]) => `${JSON.stringify(key)} (${(value?.length ?? 0) / 2} bytes)`,
  );
  return values.length === 0 ? 'none' : values.join(', ');
}

function factsOf(answer: Answer, { store }: LogSurvey): Facts {
  const { hardState, snapshot, stable, space, unfitUntil, kind, damage } = answer;
  const { segments, spares, snapshots, quarantine, free } = space;
  const { storeId, lineage, origin, format, epoch, isCleanEnd, lastLsn, checkpoint } = answer;
  const commit = hardState?.commit ?? 0;
  const isKept = damage.some(({ canOpen }) => !canOpen);
  const isNoneRead = damage.length > 0 && (answer.lastIndex ?? 0) < (answer.firstIndex ?? 0);
  const ofRaft: Facts = [
    ['entries', isNoneRead ? 'none that can be read' : heldText(answer)],
    ['hard state', hardState === null ? 'unreadable' : hardStateText(hardState)],
    ['snapshot', snapshotText(snapshot)],
    ['values', valuesText(stable)],
    ['fit to vote', isKept ? 'not while it is damaged: no open takes it' : fitnessText(unfitUntil, commit)],
  ];
  const ofStore = [
    'last end',
    isCleanEnd === true ? 'closed' : 'not closed: a server has it open, or ended without closing it',
  ] as const;
  return [
    checkpoint === null
      ? ['store', `${storeId ?? 'unknown'} (${kind}, format ${format}, epoch ${epoch})`]
      : [
          'checkpoint',
          `scope ${checkpoint.scope}, taken at LSN ${checkpoint.lsn} (format ${format}, epoch ${epoch})`,
        ],
    ['lineage', `${lineage ?? 'unknown'}${origin === null ? '' : `, ${origin}`}`],
    ...(kind === 'wal' ? [] : ofRaft),
    ['records', `read up to LSN ${lastLsn ?? 0}, known to be durable up to ${store.proven.lsn}`],
    ...(kind === 'checkpoint' ? [] : [ofStore]),
    [
      'space',
      `segments ${bytesText(segments)}, spares ${bytesText(spares)}, snapshots ${bytesText(snapshots)}, quarantine ${bytesText(quarantine)}, free on the disk ${bytesText(free)}`,
    ],
  ];
}

/** More than this many would push what matters off the screen: of those in the middle that are whole it is said how many. */
const ROWS_MAX = 20;

function segmentTable({ segments }: Answer): readonly string[] {
  if (segments.length === 0) return [];
  const rows = segments.map(({ number, bytes, state, entries, terms, frames }) => [
    number,
    state,
    bytesText(bytes ?? 0),
    entries === null ? '-' : rangeText(entries),
    terms === null ? '-' : terms.from === terms.to ? String(terms.from) : `${terms.from}..${terms.to}`,
    frames,
  ]);
  const shown = rows.filter(
    (_, at) => segments[at]?.state !== 'sealed' || at < ROWS_MAX / 2 || at >= segments.length - ROWS_MAX / 2,
  );
  const left = rows.length - shown.length;
  const more = left === 0 ? [] : [`and ${counted(left, 'sealed segment')} between them (--json lists all)`];
  return [...tableOf(['segment', 'state', 'size', 'indexes', 'terms', 'frames'], shown), ...more];
}

function snapshotTable({ snapshots }: Answer): readonly string[] {
  if (snapshots.length === 0) return [];
  const rows = snapshots.map(({ index, term, bytes, isNamed, damage }) => {
    const state = damage === null ? (isNamed ? 'in use' : 'kept') : 'damaged';
    return [index, term, bytesText(bytes), state];
  });
  return ['', ...tableOf(['snapshot at', 'term', 'size', 'state'], rows)];
}
