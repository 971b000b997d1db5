import { readFile, writeFile } from 'node:fs/promises';
import { type AnyPlan, type AnyResult, drawAny, parseAny, runAny } from './any-plan.js';
import { compileSooner } from './compile-sooner.js';
import { failureText, leaveFailure } from './failure-files.js';
import { forkPlan } from './fork-plan.js';
import { Interruption } from './interruption.js';
import { type CliOptions, parseOptions, USAGE, UsageError } from './options.js';
import { runPage } from './page/run-page.js';
import { RunStory } from './page/run-story.js';
import { shivizText } from './page/shiviz.js';
import { Progress } from './progress.js';
import { reportPage } from './report.js';
import { spreadSeeds } from './spread.js';
import { mergeSummaries, type Summary, Tally } from './tally.js';

/** Exit codes; docs/simulator.md says them to people. */
const EXIT = { clean: 0, found: 1, usage: 2, fault: 3 } as const;

/** Scenarios from which on what was never reached says something. */
const REACH_FROM = 300;

/** Failures whose files are written; beyond, the list of seeds is enough. */
const LEFT_MAX = 5;

/** Lines of the trace that a replay prints. */
const REPLAY_LINES = 200;

async function main(): Promise<number> {
  compileSooner();
  let options: CliOptions;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (options.help) {
    console.log(USAGE);
    return EXIT.clean;
  }
  if (options.merge.length > 0) return merge(options);
  return options.plan === null ? search(options) : replay(options, options.plan);
}

async function search(options: CliOptions): Promise<number> {
  const tally = new Tally(options.profile);
  const progress = new Progress(tally);
  const interruption = new Interruption();
  let fault: Error | null = null;
  interruption.listen();
  try {
    await spreadSeeds(options, interruption.flag, (run) => {
      tally.add(run);
      if (run.failed !== null) progress.note(`seed ${run.seed}: ${run.failed.oracle}: ${run.failed.what}`);
      progress.tick();
    });
  } catch (error) {
    // What was found until then is told all the same: a long search must not be lost for one seed.
    fault = error instanceof Error ? error : new Error(String(error));
  }
  interruption.unlisten();
  progress.end();
  const summary = tally.summary(progress.seconds);
  for (const { seed } of summary.failed.slice(0, LEFT_MAX)) await leaveSeed(options, seed, progress);
  const exit = await finish(options, summary, progress.line());
  if (fault === null) return exit === EXIT.clean ? (interruption.exitCode ?? exit) : exit;
  console.error(fault);
  return EXIT.fault;
}

async function leaveSeed(options: CliOptions, seed: number, progress: Progress): Promise<void> {
  const plan = drawAny(seed, options.profile);
  const result = await runAny(plan);
  const left = await leaveFailure(options.artefacts, `${options.profile}-${seed}`, plan, result, (text) => {
    progress.note(text);
  });
  console.log(`\nseed      ${seed}\n${left.text}\nfiles     ${left.dir}`);
}

async function replay(options: CliOptions, file: string): Promise<number> {
  const plan = await readPlan(file);
  if (options.forkFrom !== null) return fork(options, plan, options.forkFrom);
  const story = new RunStory();
  const isDrawn = options.report !== null || options.shiviz !== null;
  const result = await runAny(plan, REPLAY_LINES, isDrawn ? story : undefined);
  if (options.report !== null) await writeFile(options.report, runPage({ plan, file, result, story }));
  if (options.shiviz !== null) await writeFile(options.shiviz, shivizText(story));
  console.log(tracesText(result));
  if (result.maps !== null && result.failure !== null)
    console.log(`\nbefore the last crash:\n${result.maps.before}\n\nat the end:\n${result.maps.after}`);
  console.log(`\n${result.failure === null ? 'all promises were kept' : failureText(result.failure)}`);
  if (options.json) {
    const { failure, ops, crashes, calls, traceHash } = result;
    console.log(JSON.stringify({ schemaVersion: 1, plan: file, failure, ops, crashes, calls, traceHash }));
  }
  return result.failure === null ? EXIT.clean : EXIT.found;
}

/** Goes on from a moment of a plan as other seeds draw it, until one of them finds something. */
async function fork(options: CliOptions, plan: AnyPlan, from: number): Promise<number> {
  for (let seed = options.from; seed < options.until; seed += 1) {
    const forked = forkPlan(plan, from, seed);
    const result = await runAny(forked);
    const { failure, traceHash } = result;
    console.log(
      `seed ${seed}: ${failure === null ? `clean, trace hash ${traceHash.toString(16)}` : failure.what}`,
    );
    if (failure === null) continue;
    const left = await leaveFailure(options.artefacts, `fork-${from}-${seed}`, forked, result, console.error);
    console.log(`\n${left.text}\nfiles     ${left.dir}`);
    return EXIT.found;
  }
  return EXIT.clean;
}

/** The last lines of each trace, one after the other. */
function tracesText({ traces }: AnyResult): string {
  if (traces.length === 1) return traces.flatMap(({ lines }) => lines).join('\n');
  return traces.map(({ of, lines }) => [`== ${of}`, ...lines].join('\n')).join('\n\n');
}

async function readPlan(file: string): Promise<AnyPlan> {
  try {
    return parseAny(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${file} is no plan: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

async function merge(options: CliOptions): Promise<number> {
  const parts: Summary[] = [];
  for (const file of options.merge) {
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    parts.push(JSON.parse(lines[lines.length - 1] ?? '') as Summary);
  }
  const summary = mergeSummaries(parts);
  return finish(options, summary, `${parts.length} shards: ${summary.scenarios} scenarios`);
}

async function finish(options: CliOptions, summary: Summary, line: string): Promise<number> {
  if (options.report !== null) await writeFile(options.report, reportPage(summary));
  console.log(line);
  console.log(`trace hash ${summary.traceHash}`);
  if (summary.unreached.length > 0 && summary.scenarios >= REACH_FROM)
    console.log(`never reached: ${summary.unreached.join(', ')}`);
  if (options.json) console.log(JSON.stringify(summary));
  return summary.failures === 0 ? EXIT.clean : EXIT.found;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error);
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.fault;
}
