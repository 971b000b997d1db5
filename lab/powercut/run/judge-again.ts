import { join } from 'node:path';
import { Medium } from '../cut/medium.js';
import { LogJudge } from '../judge/judge-log.js';
import { Notebook } from '../life/notebook.js';
import { pastAtCut } from '../model/past.js';
import type { PowercutOptions } from '../options.js';
import { Random } from '../random.js';
import { readKeptCut } from './kept-cut.js';
import { MountedLog } from './mounted-log.js';
import type { Place } from './place.js';
import { journalOf, notesOf, recording } from './recording.js';

/** Makes one kept cut again and says what comes of it. Resolves to the exit code. */
export async function judgeAgain(place: Place, options: PowercutOptions, cut: number): Promise<number> {
  const { made, plan } = readKeptCut(options.fileSystem.name, options.seed, cut);
  const past = pastAtCut(made.past, notesOf(made), plan.at);
  const judged = recording(place.disks, place.fresh(), past);
  const medium = new Medium(made.base, journalOf(made), join(place.disks, 'again.medium'));
  medium.cut(plan, judged.disk.image);
  using mounted = new MountedLog(options, place, judged.disk.name);
  const notebook = new Notebook(judged.notesPath, judged.disk.count);
  const outcome = await new LogJudge(mounted.log, past, notebook, new Random(plan.seed)).judge();
  console.log(JSON.stringify({ plan, outcome }, null, 2));
  return outcome.what === 'violation' ? 1 : 0;
}
