import { join } from 'node:path';
import { copyImage, Medium } from '../cut/medium.js';
import { drawCut, tearsBlocks, type CutPlan } from '../cut/cut-plan.js';
import { CommandError } from '../file-system/command.js';
import type { FileSystem } from '../file-system/file-systems.js';
import { LogJudge, type Outcome } from '../judge/judge-log.js';
import { Notebook } from '../life/notebook.js';
import { runLife, type LifeOptions } from '../life/run-life.js';
import { NO_PAST, pastAtCut, type Past } from '../model/past.js';
import { Random } from '../random.js';
import { makeFileSystems } from './fresh-disks.js';
import { keepCut } from './kept-cut.js';
import { MountedLog, type Layout } from './mounted-log.js';
import type { Place } from './place.js';
import { journalOf, notesOf, recording, removeRecording, type Recording } from './recording.js';
import type { WrongCopy } from '../wrong/wrong-copy.js';
import type { Tally } from './tally.js';

/** Cuts of one generation's journal; of a wrong copy's more, since most fall where it did nothing wrong. */
const CUTS = 16;
const CUTS_OF_WRONG = 40;
const NESTED_CUTS = 3;
/** So often a crashed image is what the next generation begins with. */
const GENERATIONS_DEEP_MAX = 8;

export interface LabOptions extends Layout {
  readonly seed: number;
  /** A wrong copy, or null for the right one. */
  readonly copy: WrongCopy | null;
  /** Whether disks fail, or fill, in some generations. */
  readonly errors: boolean;
  readonly full: boolean;
}

/** A crashed image to begin from, or null for a new file system. */
interface Beginning {
  readonly image: string;
  readonly past: Past;
  readonly depth: number;
}

/** Lets writers live on recorded disks, cuts what was recorded, and judges what is left. */
export class Lab {
  readonly #place: Place;
  readonly #options: LabOptions;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #fresh: string;
  /** Asked before each piece of work. */
  readonly #goesOn: () => boolean;

  constructor(place: Place, options: LabOptions, tally: Tally, goesOn: () => boolean) {
    this.#place = place;
    this.#options = options;
    this.#tally = tally;
    this.#random = new Random(options.seed);
    this.#goesOn = goesOn;
    this.#fresh = join(place.disks, 'fresh.base');
    makeFileSystems(options, this.#fresh);
  }

  async run(): Promise<void> {
    let beginning: Beginning | null = null;
    while (this.#goesOn()) {
      const next: Beginning | null = await this.#generation(beginning);
      beginning = next;
    }
  }

  /** One life and its cuts. Resolves to what the next one begins with. */
  async #generation(beginning: Beginning | null): Promise<Beginning | null> {
    const random = new Random(this.#random.seed());
    const made = recording(this.#place.disks, this.#place.fresh(), beginning?.past ?? NO_PAST);
    copyImage(beginning?.image ?? this.#fresh, made.base);
    copyImage(made.base, made.disk.image);
    if (await this.#live(made, random)) {
      this.#tally.generations += 1;
      await this.#cutAll(made, random);
    }
    const next = this.#nextBeginning(made, random, (beginning?.depth ?? 0) + 1);
    removeRecording(made);
    return next;
  }

  /** False: a crashed image could not be mounted again, which its judge has told. */
  async #live(made: Recording, random: Random): Promise<boolean> {
    try {
      using mounted = this.#mount(made);
      const { killed, hasHung } = await runLife(mounted.log, made, random, this.#lifeOptions(random));
      this.#tally.kills += killed;
      if (hasHung) this.#violation(made, null, 'a writer hung');
    } catch (error) {
      if (error instanceof CommandError) return false;
      throw error;
    }
    const notes = notesOf(made);
    this.#tally.count(notes);
    for (const note of notes)
      if (note.what === 'violation') this.#violation(made, null, `a writer saw: ${note.text}`);
    return true;
  }

  #lifeOptions(random: Random): LifeOptions {
    const { errors, full, copy } = this.#options;
    if (copy !== null)
      return {
        errors: copy.needs === 'errors' ? 'many' : 'none',
        diesBeforeSyncs: copy.needs === 'kills',
        full: false,
        wrong: copy.name,
      };
    return {
      errors: errors && random.chance(0.35) ? 'some' : 'none',
      diesBeforeSyncs: random.chance(0.1),
      full: full && random.chance(0.35),
      wrong: null,
    };
  }

  async #cutAll(made: Recording, random: Random): Promise<void> {
    const journal = journalOf(made);
    const notes = notesOf(made);
    const medium = new Medium(made.base, journal, join(this.#place.disks, `${made.disk.name}.medium`));
    const count = this.#options.copy === null ? CUTS : CUTS_OF_WRONG;
    const plans = Array.from({ length: count }, () => drawCut(random, journal.records.length, notes));
    for (const plan of plans.sort((a, b) => a.at - b.at)) {
      if (!this.#goesOn()) break;
      this.#tally.firstCuts += 1;
      await this.#judgeCut(made, medium, plan, random.chance(0.3) && this.#options.copy === null);
    }
    medium.remove();
    journal.close();
  }

  async #judgeCut(made: Recording, medium: Medium, plan: CutPlan, isNested: boolean): Promise<void> {
    const past = pastAtCut(made.past, notesOf(made), plan.at);
    const judged = recording(this.#place.disks, this.#place.fresh(), past);
    medium.cut(plan, judged.disk.image);
    if (isNested) copyImage(judged.disk.image, judged.base);
    const outcome = await this.#judge(judged, new Random(plan.seed));
    this.#count(made, plan, past, outcome);
    if (isNested && outcome.what === 'held') await this.#cutJudge(judged, new Random(plan.seed));
    removeRecording(judged);
  }

  /** Cuts the recovery of a cut. */
  async #cutJudge(judged: Recording, random: Random): Promise<void> {
    const journal = journalOf(judged);
    const notes = notesOf(judged);
    const medium = new Medium(judged.base, journal, join(this.#place.disks, `${judged.disk.name}.medium`));
    const plans = Array.from({ length: NESTED_CUTS }, () => drawCut(random, journal.records.length, notes));
    for (const plan of plans.sort((a, b) => a.at - b.at)) {
      if (!this.#goesOn()) break;
      this.#tally.nestedCuts += 1;
      await this.#judgeCut(judged, medium, plan, false);
    }
    medium.remove();
    journal.close();
  }

  async #judge(judged: Recording, random: Random): Promise<Outcome> {
    try {
      using mounted = this.#mount(judged);
      const notebook = new Notebook(judged.notesPath, judged.disk.count);
      const outcome = await new LogJudge(mounted.log, judged.past, notebook, random).judge();
      notebook.close();
      return outcome;
    } catch (error) {
      if (error instanceof CommandError) return { what: 'refused', text: error.message };
      throw error;
    }
  }

  #count(made: Recording, plan: CutPlan, past: Past, outcome: Outcome): void {
    if (outcome.what === 'violation') this.#violation(made, plan, outcome.text);
    else if (outcome.what === 'refused' && tearsBlocks(plan)) this.#tally.fileSystemsLost += 1;
    // Whole blocks were lost and kept as a disk may: nobody may refuse that.
    else if (outcome.what === 'refused') this.#violation(made, plan, outcome.text);
    else if (outcome.hadNoRoom && mustOpenWithoutRoom(this.#options.fileSystem, past))
      this.#violation(made, plan, 'it could not be opened on a full disk');
    else if (outcome.hadNoRoom) this.#tally.hadNoRoom += 1;
  }

  #violation(made: Recording, plan: CutPlan | null, text: string): void {
    const { copy, seed, fileSystem } = this.#options;
    const cut = plan === null ? 0 : this.#tally.cuts;
    // Of a wrong copy it is what was hoped for.
    const kept = copy === null ? keepCut(fileSystem.name, seed, cut, made, plan) : null;
    this.#tally.violations.push({ text, cut, plan, kept });
  }

  #nextBeginning(made: Recording, random: Random, depth: number): Beginning | null {
    if (depth >= GENERATIONS_DEEP_MAX || random.chance(0.5)) return null;
    const journal = journalOf(made);
    const notes = notesOf(made);
    const medium = new Medium(made.base, journal, join(this.#place.disks, `${made.disk.name}.medium`));
    const plan: CutPlan = { ...drawCut(random, journal.records.length, notes), mode: 'some' };
    const image = join(this.#place.disks, 'next.base');
    medium.cut(plan, image);
    medium.remove();
    journal.close();
    return { image, past: pastAtCut(made.past, notes, plan.at), depth };
  }

  #mount({ disk }: Recording): MountedLog {
    return new MountedLog(this.#options, this.#place, disk.name);
  }
}

/** A store that is there opens without room where files are written in place; one that is not must be made. */
function mustOpenWithoutRoom({ copiesOnWrite }: FileSystem, { base }: Past): boolean {
  return !copiesOnWrite && base.hardState.term > 0;
}
