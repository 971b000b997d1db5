import { FrameCensus } from '../oracle/frame-census.js';
import { Finding } from '../oracle/finding.js';
import { QuarantineWatch } from '../oracle/quarantine-watch.js';
import { type PlanOp, REPAIR_OP } from '../plan/plan.js';
import { checkFailedSyncs, checkLatch, checkLeftAsItWas, issueSave } from './issue-save.js';
import { checkClosed, checkRoom } from './leaks.js';
import { makeSave } from './make-save.js';
import { endMove } from './moved.js';
import { openStore } from './open-store.js';
import { performOp } from './perform-op.js';
import { checkView } from './check-view.js';
import { checkKept, contentsOf, repairDamaged } from './repair-damaged.js';
import type { Scene } from './scene.js';
import { performCompact, performSnapshot } from './snapshot-ops.js';

/** Opens behind one crash; the plan's faults hit at most the first few, so a later one that fails has no cause. */
const OPENS_MAX = 12;

/** How far a run came. */
export interface StoreProgress {
  ops: number;
  crashes: number;
}

/** Runs all of a plan's operations on one store. Throws what the oracles find. */
export async function runStore(scene: Scene, progress: StoreProgress): Promise<void> {
  const census = new FrameCensus();
  await new StoreRun(scene, progress, census).run();
}

class StoreRun {
  readonly #scene: Scene;
  readonly #progress: StoreProgress;
  readonly #census: FrameCensus;
  /** A census at each crash costs a fifth of a run; a part of the runs pays it. */
  readonly #countsOften: boolean;
  readonly #quarantine: QuarantineWatch = new QuarantineWatch();

  constructor(scene: Scene, progress: StoreProgress, census: FrameCensus) {
    this.#scene = scene;
    this.#progress = progress;
    this.#census = census;
    this.#countsOften = scene.plan.seed % 4 === 0;
  }

  async run(): Promise<void> {
    const scene = this.#scene;
    await this.#begin();
    for (const op of scene.plan.ops) {
      if (scene.hasEnded) break;
      scene.moments.note(scene.disk, scene.dir, scene.allowed.promises.length);
      scene.by = `op ${op.id} (${op.kind})`;
      const { trace } = scene.disk;
      trace.fold(op.id);
      if (trace.keepsLines) trace.line(`-- ${scene.by} ${JSON.stringify(op)}`, { kind: 'op' });
      await this.#step(op);
      this.#progress.ops += 1;
    }
    if (!scene.hasEnded) await this.#end();
    else if (this.#isRepaired()) await this.#repair();
    this.#quarantine.look(scene.disk, scene.dir);
    if (!scene.isOverBudget) this.#census.take(scene.disk);
  }

  async #begin(): Promise<void> {
    const scene = this.#scene;
    scene.faults.enter(0, 0);
    const opened = await scene.orDied(openStore(scene, scene.process));
    this.#leave(opened.crashed, 'crash-in-open');
    if (!scene.process.isAlive || scene.log === null) await this.#recover(0);
  }

  async #step(op: PlanOp): Promise<void> {
    const scene = this.#scene;
    scene.faults.enter(op.id, 0);
    const done = await scene.orDied(performOp(scene, op));
    scene.throwIfFound();
    if (!done.crashed && !scene.hasEnded && !scene.isOverBudget) checkView(scene);
    if (!done.crashed && !scene.hasEnded) {
      checkLatch(scene);
      checkFailedSyncs(scene);
      checkLeftAsItWas(scene);
      if (scene.log !== null) scene.heard.get(scene.log)?.check(scene.by);
    }
    this.#leave(done.crashed, 'crash-in-operation');
    if (scene.hasEnded) return;
    if (!scene.process.isAlive) await this.#recover(op.id);
    scene.throwIfFound();
  }

  /** The end of what a crash may fall into; one whose call did not come falls now. */
  #leave(hasCrashed: boolean, where: 'crash-in-open' | 'crash-in-operation'): void {
    const { reach, faults, process } = this.#scene;
    if (hasCrashed) reach[where] += 1;
    else {
      faults.leave();
      if (!process.isAlive) reach['crash-at-rest'] += 1;
    }
  }

  /** Opens what a crash left, again and again as the plan has it. */
  async #recover(op: number): Promise<void> {
    const scene = this.#scene;
    const behind = scene.by;
    for (let life = 1; life <= OPENS_MAX; life++) {
      scene.by = `open ${life} behind ${behind}`;
      if (!scene.process.isAlive) this.#noteCrash();
      scene.disk.trace.note(`-- ${scene.by}`, { kind: 'start' });
      scene.faults.enter(op, life);
      const opened = await scene.orDied(openStore(scene, scene.process));
      scene.throwIfFound();
      this.#leave(opened.crashed, 'crash-in-open');
      if (scene.hasEnded) return;
      if (scene.process.isAlive && scene.log !== null) return;
    }
    throw new Finding({ oracle: 'stuck', what: `${OPENS_MAX} opens behind ${behind} did not succeed` });
  }

  /** Beyond the budget of faults there may be nothing left to go by. */
  #isRepaired(): boolean {
    const { plan, isDamaged, isOverBudget } = this.#scene;
    return plan.config.repairs === true && isDamaged && !isOverBudget;
  }

  /** What an operator does about damage that was named: ends the process, and repairs, again behind each crash. */
  async #repair(): Promise<void> {
    const scene = this.#scene;
    scene.by = 'the repair';
    scene.disk.trace.note(`-- ${scene.by}`, { kind: 'op' });
    scene.faults.calm();
    scene.release();
    // What no sync made durable is gone or there for good, so that no crash of a repair can be blamed for it.
    scene.disk.crash('power');
    const kept = contentsOf(scene.disk);
    for (let life = 0; life <= OPENS_MAX; life++) {
      if (!scene.process.isAlive) this.#noteCrash();
      scene.faults.enter(REPAIR_OP, life);
      const repaired = await scene.orDied(repairDamaged(scene, kept));
      scene.throwIfFound();
      if (repaired.crashed) scene.reach['crash-in-repair'] += 1;
      else if (repaired.value) return;
      if (scene.disk.process.isAlive) checkKept(scene, kept);
    }
    throw new Finding({ oracle: 'stuck', what: `${OPENS_MAX} tries to repair did not succeed` });
  }

  #noteCrash(): void {
    const scene = this.#scene;
    this.#progress.crashes += 1;
    endMove(scene);
    scene.isReadBeside = false;
    scene.log = null;
    scene.process = scene.disk.process;
    this.#quarantine.look(scene.disk, scene.dir);
    if (this.#countsOften && !scene.isOverBudget) this.#census.take(scene.disk);
  }

  /** When faults have stopped and there is room, the store works, gives room back and closes without a trace. */
  async #end(): Promise<void> {
    const scene = this.#scene;
    scene.by = 'the end of the scenario';
    scene.disk.trace.note(`-- ${scene.by}`, { kind: 'op' });
    scene.faults.enter(Infinity, 0);
    scene.release();
    scene.faults.suffered.failures = 0;
    scene.faults.suffered.shortages = 0;
    await scene.orDied(this.#work());
    scene.throwIfFound();
  }

  async #work(): Promise<void> {
    const scene = this.#scene;
    const seed = scene.plan.seed;
    await performOp(scene, { id: Infinity, kind: 'reopen', readsAll: true });
    if (scene.hasEnded) return;
    scene.throwIfFound();
    for (const at of [1, 2, 3]) {
      const append = { kind: 'append', count: 2, bytes: 100, raise: 0 } as const;
      await issueSave(scene, makeSave(append, scene.allowed.newest.state, seed + at));
    }
    await performSnapshot(scene, { kind: 'snapshot', share: 0.999, bytes: 100, chunks: 1, beside: [] }, seed);
    await performCompact(scene, 1);
    scene.throwIfFound();
    if (!scene.isOverBudget) checkView(scene);
    const log = scene.openLog;
    scene.heard.get(log)?.checkRecovered(scene.by);
    // What damage hit it may not even be able to read.
    const { damage } = scene.isDamaged ? { damage: [] } : await log.verify();
    await log.close();
    checkClosed(scene, log);
    if (scene.isDamaged) return;
    if (damage.length > 0)
      throw new Finding({
        oracle: 'false-alarm',
        what: `verify reports damage of a sound store: ${JSON.stringify(damage)}`,
      });
    checkRoom(scene);
    // Half of the runs end with one open more.
    if (seed % 2 === 0) return;
    if (!(await openStore(scene, scene.process))) throw new Error('a calm open failed');
    const { verdict } = scene.openLog.recovery;
    await scene.openLog.close();
    if (verdict === 'clean') return;
    throw new Finding({ oracle: 'false-alarm', what: `a clean end was recovered as '${verdict}'` });
  }
}
