import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { drawCut, tearsBlocks, type CutPlan } from '../cut/cut-plan.js';
import { copyImage, Medium } from '../cut/medium.js';
import { CommandError } from '../file-system/command.js';
import { NO_PAST } from '../model/past.js';
import { Random } from '../random.js';
import { makeFileSystems } from '../run/fresh-disks.js';
import { MountedLog } from '../run/mounted-log.js';
import type { PowercutOptions } from '../options.js';
import type { Place } from '../run/place.js';
import { journalOf, recording, removeRecording, type Recording } from '../run/recording.js';
import type { Tally } from '../run/tally.js';
import { readRivalNotes, rivalFault } from './notes.js';
import type { Rival } from './stores.js';
import type { RivalOrders } from './writer/main.js';

const CUTS = 16;
const WRITER_MS_MAX = 60_000;

/** The lab for a rival: the same disks, cuts and file systems; its judge asks for what was answered, and for nothing else. */
export class RivalLab {
  readonly #place: Place;
  readonly #options: PowercutOptions;
  readonly #rival: Rival;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #fresh: string;

  constructor(place: Place, options: PowercutOptions, rival: Rival, tally: Tally) {
    this.#place = place;
    this.#options = options;
    this.#rival = rival;
    this.#tally = tally;
    this.#random = new Random(options.seed);
    this.#fresh = join(place.disks, `${rival.name}.base`);
    makeFileSystems(options, this.#fresh);
  }

  async run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const made = recording(this.#place.disks, this.#place.fresh(), NO_PAST);
      copyImage(this.#fresh, made.base);
      copyImage(made.base, made.disk.image);
      await this.#live(made);
      this.#tally.generations += 1;
      await this.#cutAll(made, goesOn);
      removeRecording(made);
    }
  }

  async #live(made: Recording): Promise<void> {
    const random = this.#random;
    const errors = this.#options.errors && random.chance(0.35);
    using mounted = new MountedLog(this.#options, this.#place, made.disk.name);
    for (let writers = random.between(2, 4); writers > 0; writers -= 1) {
      const killMs = random.chance(0.7) ? random.between(200, 3000) : WRITER_MS_MAX;
      await this.#write(made, mounted.log.dir, errors, killMs);
    }
    this.#tally.answered += readRivalNotes(made.notesPath).filter(
      (note) => note.answeredAt !== undefined,
    ).length;
    if (errors) this.#tally.diskFailures += 1;
  }

  async #write({ disk, notesPath }: Recording, dir: string, errors: boolean, killMs: number): Promise<void> {
    const orders: RivalOrders = {
      rival: this.#rival.name,
      dir,
      notes: notesPath,
      count: disk.count,
      faults: disk.faults,
      seed: this.#random.seed(),
      puts: this.#random.between(40, 400),
      errors,
    };
    const program = join(import.meta.dirname, 'writer', 'main.js');
    const writer = spawn(process.execPath, [program, JSON.stringify(orders)], { stdio: 'ignore' });
    const timer = setTimeout(() => writer.kill('SIGKILL'), killMs);
    const code = await new Promise((resolve) => writer.once('exit', resolve));
    clearTimeout(timer);
    if (code === null) this.#tally.kills += 1;
  }

  async #cutAll(made: Recording, goesOn: () => boolean): Promise<void> {
    const journal = journalOf(made);
    const medium = new Medium(made.base, journal, join(this.#place.disks, `${made.disk.name}.medium`));
    const answers = readRivalNotes(made.notesPath).flatMap(({ seq, answeredAt }) =>
      answeredAt === undefined ? [] : [{ at: answeredAt, what: 'answered', seq } as const],
    );
    const plans = Array.from({ length: CUTS }, () => drawCut(this.#random, journal.records.length, answers));
    for (const plan of plans.sort((a, b) => a.at - b.at)) {
      if (!goesOn()) break;
      this.#tally.firstCuts += 1;
      const judged = recording(this.#place.disks, this.#place.fresh(), NO_PAST);
      medium.cut(plan, judged.disk.image);
      await this.#judge(made, judged, plan);
      removeRecording(judged);
    }
    medium.remove();
    journal.close();
  }

  async #judge(made: Recording, judged: Recording, plan: CutPlan): Promise<void> {
    try {
      using mounted = new MountedLog(this.#options, this.#place, judged.disk.name);
      const store = await this.#rival.open(mounted.log.dir);
      const fault = rivalFault(await store.all(), readRivalNotes(made.notesPath), plan.at);
      await store.close();
      if (fault !== null) this.#violation(plan, fault);
    } catch (error) {
      if (error instanceof CommandError) this.#tally.fileSystemsLost += 1;
      else if (tearsBlocks(plan)) this.#tally.fileSystemsLost += 1;
      else this.#violation(plan, `it could not be opened or read: ${String(error)}`);
    }
  }

  #violation(plan: CutPlan, text: string): void {
    this.#tally.violations.push({ text, cut: this.#tally.cuts, plan, kept: null });
  }
}
