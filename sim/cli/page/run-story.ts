import type { SimulatedDisk } from '../../disk/simulated-disk.js';
import type { Happening, HappeningKind, OnHappening, RunWatch } from '../../world/run-watch.js';
import { type FileStrip, stripOf } from './disk-strip.js';

/** Something that happened, and what it changed. */
export interface Moment {
  readonly kind: HappeningKind;
  readonly lane: number;
  /** Virtual milliseconds. */
  readonly ms: number;
  readonly text: string;
  readonly path?: string;
  readonly term?: number;
  /** Indexes of the log that it concerns, half-open. */
  readonly span?: readonly [number, number];
  /** Number of the moment with which it began: of a message taken, or a save that came to its end. */
  readonly since?: number;
  /** How many operations of the plan had begun. */
  readonly ops: number;
  /** Files of the lane's disk that are no longer as they were, by path; null: gone. */
  readonly files?: Readonly<Record<string, FileStrip | null>>;
  /** The states that a crash may leave from here on, what was acknowledged first. */
  readonly held?: readonly string[];
}

/** Longer texts are cut: a line of a trace may hold a whole request. */
const TEXT_MAX = 400;

/** A lane's states are few but for long queues: of more the first and the last are told. */
const HELD_MAX = 6;

const CHANGES_STATE: ReadonlySet<HappeningKind> = new Set(['save', 'saved', 'refused', 'open', 'op']);
/** Behind these any file may have changed. */
const CHANGES_ALL: ReadonlySet<HappeningKind> = new Set(['name', 'crash', 'open', 'start', 'fault']);

/** A run as it happened: moments in order, each with what it changed on its disk. */
export class RunStory implements RunWatch<SimulatedDisk> {
  readonly lanes: string[] = [];
  readonly moments: Moment[] = [];
  readonly #began: Map<object, number> = new Map<object, number>();
  #ops = 0;
  #ms = 0;

  lane(name: string, disk: SimulatedDisk | null, held: () => readonly string[]): OnHappening {
    const lane = this.lanes.length;
    this.lanes.push(name);
    const files = new LaneFiles(disk);
    let lastHeld = '';
    return (line, about) => {
      const { kind } = about;
      if (kind === 'op') this.#ops += 1;
      const changed = disk === null ? undefined : files.changedBy(about);
      if (kind === 'call' && changed === undefined) return;
      const states = CHANGES_STATE.has(kind) ? briefly(held()) : undefined;
      const isNews = states !== undefined && states.join() !== lastHeld;
      if (isNews) lastHeld = states.join();
      this.moments.push({
        ...this.#placed(lane, line, disk),
        ...this.#linked(about),
        ...(about.path === undefined ? {} : { path: about.path }),
        ...(about.term === undefined ? {} : { term: about.term }),
        ...(about.from === undefined || about.until === undefined
          ? {}
          : { span: [about.from, about.until] as const }),
        ...(changed === undefined ? {} : { files: changed }),
        ...(isNews ? { held: states } : {}),
      });
    };
  }

  #placed(
    lane: number,
    line: string,
    disk: SimulatedDisk | null,
  ): Pick<Moment, 'lane' | 'ms' | 'text' | 'ops'> {
    const [, clock, rest = line] = /^([\d.]+) ms (.*)$/s.exec(line) ?? [];
    this.#ms = clock === undefined ? (disk?.queue.nowMs ?? this.#ms) : Number(clock);
    const text = rest.replace(/^-- /, '').replace(`${this.lanes[lane] ?? ''} `, '');
    const cut = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
    return { lane, ms: Math.round(this.#ms * 1000) / 1000, text: cut, ops: this.#ops };
  }

  #linked({ kind, of }: Happening): Pick<Moment, 'kind' | 'since'> {
    if (of === undefined) return { kind };
    if (kind === 'send' || kind === 'save') this.#began.set(of, this.moments.length);
    const since = this.#began.get(of);
    return kind === 'send' || kind === 'save' || since === undefined ? { kind } : { kind, since };
  }
}

/** What is known of a lane's files, so that only what changes is told. */
class LaneFiles {
  readonly #disk: SimulatedDisk | null;
  readonly #known: Map<string, string> = new Map<string, string>();

  constructor(disk: SimulatedDisk | null) {
    this.#disk = disk;
  }

  changedBy({ kind, path }: Happening): Record<string, FileStrip | null> | undefined {
    const disk = this.#disk;
    if (disk === null) return undefined;
    const all = CHANGES_ALL.has(kind) || (kind === 'sync' && path?.includes('.') !== true);
    const paths = all ? [...disk.list(), ...disk.listDurable(), ...this.#known.keys()] : [];
    if (!all && path !== undefined) paths.push(path);
    const changed: Record<string, FileStrip | null> = {};
    let isChanged = false;
    for (const each of new Set(paths)) {
      const strip = stripOf(disk, each);
      const text = JSON.stringify(strip);
      if ((this.#known.get(each) ?? 'null') === text) continue;
      this.#known.set(each, text);
      changed[each] = strip;
      isChanged = true;
    }
    return isChanged ? changed : undefined;
  }
}

function briefly(held: readonly string[]): readonly string[] {
  if (held.length <= HELD_MAX) return held;
  const more = `and ${String(held.length - 2)} more between these`;
  return [held[0] ?? '', more, held[held.length - 1] ?? ''];
}
