import type { PowercutOptions } from '../options.js';
import type { FoundViolation, Tally } from './tally.js';

export interface RunReport {
  /** The wrong copy that was tried; null: the right one. */
  readonly wrong: string | null;
  readonly tally: Tally;
  readonly seconds: number;
  /** Nothing was found in the right one; something was in a wrong one. */
  readonly isGood: boolean;
}

export function tellReport(options: PowercutOptions, reports: readonly RunReport[]): void {
  const { fileSystem, seed, json } = options;
  const right = options.rival?.name ?? 'keelson';
  const layout = `${options.twoDisks ? ' --two-disks' : ''}${options.large ? ' --large' : ''}`;
  if (json) {
    console.log(JSON.stringify({ schemaVersion: 1, fileSystem: fileSystem.name, seed, runs: reports }));
    return;
  }
  for (const report of reports) {
    console.log(oneLine(`${fileSystem.name}${layout} ${report.wrong ?? right}`, seed, report));
    if (report.wrong !== null || options.rival !== null) {
      const [first] = report.tally.violations;
      if (first !== undefined) console.log(`  ${first.text}`);
      continue;
    }
    for (const violation of report.tally.violations)
      console.log(tellViolation(`${fileSystem.name}${layout}`, seed, violation));
  }
}

function oneLine(who: string, seed: number, { wrong, tally, seconds, isGood }: RunReport): string {
  const verdict = wrong === null ? `${tally.violations.length} violations` : caughtOrNot(tally, isGood);
  const figures = [
    `${tally.cuts} cuts (${tally.nestedCuts} nested)`,
    `${tally.generations} generations`,
    `${tally.answered} answers`,
    `${tally.kills} kills`,
    `${tally.diskFailures} disk failures (${tally.failed} calls failed)`,
    `${tally.fillings} full disks (${tally.refused} saves refused, ${tally.hadNoRoom} opened only with room)`,
    `${tally.fileSystemsLost} file systems lost`,
  ];
  return `${who}: ${verdict}; ${figures.join(', ')}; seed ${seed}, ${seconds.toFixed(0)} s`;
}

function tellViolation(fileSystem: string, seed: number, { text, cut, plan, kept }: FoundViolation): string {
  const again = `npm run lab:powercut -- --fs ${fileSystem} --seed ${seed} --cut ${cut}`;
  return `VIOLATION at cut ${cut} ${JSON.stringify(plan)}: ${text}\n  kept in ${kept ?? 'nothing'}; again: ${again}`;
}

function caughtOrNot({ violations }: Tally, isGood: boolean): string {
  if (violations.length > 0) return 'caught';
  return isGood ? 'not caught, harmless here' : 'NOT CAUGHT';
}
