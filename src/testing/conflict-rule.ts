import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { ErrorCode } from '../errors/index.js';
import type { RaftLog } from '../raft-log/contract.js';
import { ArrayLog } from './array-log.js';
import type { ConformanceHarness } from './harness.js';
import { installOf, randomSteps, requestOf, type RandomSave, type RandomStep } from './random-steps.js';
import { assertRejects, later, portraitOf, snapshotAt, type ConformanceCase, type Scene } from './scene.js';

/** What is done to the log after every step. */
type AfterStep = 'nothing' | 'reopen' | 'crash';

/** The paper's conflict rule, and all around it, as a property: random steps against an array. */
export const conflictRuleCases: readonly ConformanceCase[] = [
  {
    name: 'random steps leave what an array would hold',
    needs: ['interlocks'],
    run: (scene) => checkProperty(scene, 'nothing'),
  },
  {
    name: 'random steps, reopened after every one, leave what an array would hold',
    needs: ['interlocks', 'reopen'],
    run: (scene) => checkProperty(scene, 'reopen'),
  },
  {
    name: 'random steps, crashed after every one, leave what was acknowledged, whole saves in order, and nothing else',
    needs: ['interlocks', 'crash'],
    run: (scene) => checkProperty(scene, 'crash'),
  },
];

async function checkProperty(scene: Scene, afterStep: AfterStep): Promise<void> {
  const { runs = 100, stepsMax = 30, seed, path } = scene.harness.property ?? {};
  const property = fc.asyncProperty(randomSteps(stepsMax), async (steps) => {
    try {
      await runSteps(scene, steps, afterStep);
    } catch (error) {
      // Shrinking runs hundreds of failing sequences: none may leave its log open.
      await scene.end().catch(() => undefined);
      throw error;
    }
  });
  const details = await fc.check(property, {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
  });
  if (!details.failed) return;
  const report = await fc.asyncDefaultReportMessage(details);
  assert.fail(`${report ?? 'the property failed'}${replayOf(scene.harness, details)}`);
}

function replayOf(
  harness: ConformanceHarness,
  failure: { seed: number; counterexamplePath: string | null },
): string {
  const command = harness.property?.replayCommand?.(failure.seed, failure.counterexamplePath ?? '');
  return command === undefined ? '' : `\nReplay it: ${command}`;
}

async function runSteps(scene: Scene, steps: readonly RandomStep[], afterStep: AfterStep): Promise<void> {
  const dir = scene.freshDir();
  let log = await scene.open(dir);
  let model = new ArrayLog();
  for (const step of steps) {
    if (afterStep === 'crash' && step.kind === 'burst') {
      const allowed = await crashAmid(scene, log, model, step.saves);
      log = await scene.open(dir);
      model = await recoveredModel(log, allowed);
      continue;
    }
    model = await runStep(log, model, step);
    assert.deepEqual(await portraitOf(log), model.portrait());
    if (afterStep === 'nothing') continue;
    if (afterStep === 'reopen') {
      log = await scene.reopen(log, dir);
    } else {
      await scene.crash();
      log = await scene.open(dir);
    }
    assert.deepEqual(await portraitOf(log), model.portrait(), `after ${afterStep}`);
  }
  await scene.close(log);
}

async function runStep(log: RaftLog, model: ArrayLog, step: RandomStep): Promise<ArrayLog> {
  switch (step.kind) {
    case 'save':
      return runBurst(log, model, [step.save]);
    case 'burst':
      return runBurst(log, model, step.saves);
    case 'createSnapshot': {
      const index = Math.max(1, model.boundary, model.hardState.commit + step.at);
      return settle(model, model.createSnapshot(index), () => log.createSnapshot(snapshotAt(index)));
    }
    case 'installSnapshot': {
      const { index, term } = installOf(step, model);
      return settle(model, model.installSnapshot(index, term), () =>
        log.installSnapshot({ ...snapshotAt(index), term }),
      );
    }
    case 'compact': {
      const upTo = Math.max(0, (model.snapshot?.index ?? 0) - step.at);
      return settle(model, model.compact(upTo), () => log.compact(upTo));
    }
  }
}

async function settle(
  before: ArrayLog,
  after: ArrayLog | ErrorCode,
  call: () => Promise<unknown>,
): Promise<ArrayLog> {
  if (typeof after === 'string') {
    await assertRejects(after, call);
    return before;
  }
  await call();
  return after;
}

/** Saves issued in one run: each is judged against those before it, and they resolve in call order. */
async function runBurst(log: RaftLog, before: ArrayLog, saves: readonly RandomSave[]): Promise<ArrayLog> {
  let model = before;
  const settled: number[] = [];
  const waiting: Promise<void>[] = [];
  saves.forEach((save, position) => {
    const request = requestOf(save, model);
    const after = model.save(request);
    if (typeof after === 'string') {
      waiting.push(later(assertRejects(after, () => log.save(request)).then(() => undefined)));
      return;
    }
    const { lastIndex } = after;
    const saving = log.save(request).then((result) => {
      settled.push(position);
      assert.equal(result.lastIndex, lastIndex);
      // A later save of the same burst may have landed with it and dropped entries.
      assert.ok(log.lastIndex >= lastIndex || position < saves.length - 1, 'acknowledged but not durable');
    });
    waiting.push(later(saving));
    model = after;
    assert.equal(log.accepted.lastIndex, lastIndex);
    assert.equal(log.accepted.lastTerm, after.lastTerm);
    assert.deepEqual({ ...log.accepted.hardState }, after.hardState);
  });
  await Promise.all(waiting);
  assert.deepEqual(
    settled,
    [...settled].sort((a, b) => a - b),
    'saves resolved out of call order',
  );
  return model;
}

/** Issues saves and crashes at once: the states that may come back, from the last acknowledged one on. */
async function crashAmid(
  scene: Scene,
  log: RaftLog,
  before: ArrayLog,
  saves: readonly RandomSave[],
): Promise<ArrayLog[]> {
  const states = [before];
  let acknowledged = 0;
  for (const save of saves) {
    const model = states[states.length - 1] ?? before;
    const request = requestOf(save, model);
    const after = model.save(request);
    // Refusals are tried without a crash; what a refused save leaves queued must not be waited for here.
    if (typeof after === 'string') continue;
    const promise = log.save(request);
    const position = states.push(after) - 1;
    // What a dead log still promises is not awaited; it may reject, or never settle.
    promise.then(
      () => {
        acknowledged = position;
      },
      () => undefined,
    );
  }
  await scene.crash();
  return states.slice(acknowledged);
}

/** What was recovered must be one of the allowed states, and is the promise from then on. */
async function recoveredModel(log: RaftLog, allowed: readonly ArrayLog[]): Promise<ArrayLog> {
  const portrait = await portraitOf(log);
  for (const state of allowed) {
    if (isEqual(portrait, state.portrait())) return state;
  }
  // None fits: show how it differs from the last acknowledged one.
  assert.deepEqual(portrait, allowed[0]?.portrait(), 'after a crash amid saves');
  throw new Error('unreachable: the comparison above fails');
}

function isEqual(found: unknown, expected: unknown): boolean {
  try {
    assert.deepEqual(found, expected);
    return true;
  } catch {
    return false;
  }
}
