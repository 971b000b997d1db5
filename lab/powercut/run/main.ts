/** The lab, in namespaces of its own. Arguments: a folder, then the options of main.ts. */
import { rmSync } from 'node:fs';
import { Recorder } from '../recorder/start-recorder.js';
import { readOptions, type PowercutOptions } from '../options.js';
import type { WrongCopy } from '../wrong/wrong-copy.js';
import { judgeAgain } from './judge-again.js';
import { RivalLab } from '../rivals/rival-lab.js';
import { Lab } from './lab.js';
import { Place } from './place.js';
import { endProgress, showProgress } from './progress.js';
import { tellReport, type RunReport } from './report.js';
import { Tally } from './tally.js';

// It ends when its input does.
let isEnding = false;
process.stdin.once('end', () => {
  isEnding = true;
});
process.stdin.resume();

const [folder = '', ...args] = process.argv.slice(2);
try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
  process.stdin.destroy();
}

async function main(): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') throw new Error('usage: run FOLDER OPTIONS');
  const place = new Place(folder);
  await using _recorder = await Recorder.start(place.disks, place.fuse);
  if (options.cut !== null) return await judgeAgain(place, options, options.cut);
  const reports: RunReport[] = [];
  const copies = options.wrong.length === 0 ? [null] : options.wrong;
  for (const copy of copies) if (!isEnding) reports.push(await runOne(place, options, copy));
  endProgress();
  tellReport(options, reports);
  return reports.every(({ isGood }) => isGood) ? 0 : 1;
}

/** Of a wrong copy it goes on until it is caught; of the right one as long as it may. */
async function runOne(place: Place, options: PowercutOptions, copy: WrongCopy | null): Promise<RunReport> {
  const tally = new Tally();
  const began = performance.now();
  const endMs = began + options.minutes * 60_000;
  const goesOn = (): boolean => {
    const left = (endMs - performance.now()) / 1000;
    showProgress(`${options.fileSystem.name} ${(copy ?? options.rival)?.name ?? ''}`.trim(), tally, left);
    return !isEnding && left > 0 && (copy === null || tally.violations.length === 0);
  };
  if (options.rival === null) await new Lab(place, { ...options, copy }, tally, goesOn).run();
  else await new RivalLab(place, options, options.rival, tally).run(goesOn);
  const seconds = (performance.now() - began) / 1000;
  return { wrong: copy?.name ?? null, tally, seconds, isGood: isGood(copy, options, tally) };
}

/** Nothing was found in the right one, which was tried; a wrong one was caught, unless this file system makes good what it lacks. */
function isGood(
  copy: WrongCopy | null,
  { fileSystem, rival }: PowercutOptions,
  { violations, cuts }: Tally,
): boolean {
  // What is found in another's store is told, and no fault of this one.
  if (rival !== null) return cuts > 0;
  if (copy === null) return violations.length === 0 && cuts > 0;
  return violations.length > 0 || copy.harmlessOn.includes(fileSystem.type);
}
