import { KeelsonError } from '../../src/errors/index.js';
import type { Disk, DiskFile, Environment, OpenOptions } from '../../src/disk/index.js';
import { SUPERBLOCK_NAME } from '../../src/format/names.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { applySave } from '../oracle/apply-save.js';
import type { LogState } from '../oracle/log-state.js';
import type { SaveOp } from '../plan/plan.js';
import type { Random } from '../world/random.js';
import { makeSave, requestOf } from './make-save.js';
import { openOptions } from './open-options.js';
import type { Scene } from './scene.js';

/** What a server was promised that opened a damaged store and went away again. */
export interface Visit {
  readonly state: LogState;
  readonly epoch: number;
}

/** Virtual milliseconds after which end marks have landed. */
const IDLE_MS = 300;

/**
 * The environment of a repair that has looked, and is about to take the lock: before that a server opens the store, as it
 * may where the damage lies in a sealed segment (R12), saves, and ends or dies.
 */
export class VisitBeforeLock {
  readonly environment: Environment;
  /** Null where nobody came, or nobody could open. */
  visit: Visit | null = null;
  readonly #scene: Scene;
  readonly #disk: SimulatedDisk;
  readonly #random: Random;
  #isDue = true;

  constructor(scene: Scene, disk: SimulatedDisk, random: Random) {
    this.#scene = scene;
    this.#disk = disk;
    this.#random = random;
    const { environment } = disk;
    this.environment = { ...environment, disk: this.#visiting(environment.disk) };
  }

  /** All as it is, but that the lock waits. */
  #visiting(disk: Disk): Disk {
    const open = async (path: string, options: OpenOptions): Promise<DiskFile> => {
      if (this.#isDue && options.access === 'write' && path.endsWith(`/${SUPERBLOCK_NAME}`)) {
        this.#isDue = false;
        this.visit = await this.#come();
      }
      return disk.open(path, options);
    };
    return new Proxy(disk, {
      get: (target, name) => {
        if (name === 'open') return open;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  async #come(): Promise<Visit | null> {
    const process = this.#disk.startProcess();
    try {
      const log = await openRaftLog({ ...openOptions(this.#scene, process), create: 'never' });
      let { state } = this.#scene.allowed.promised;
      const { epoch } = log.recovery;
      for (const [at, op] of this.#saves().entries()) {
        const save = makeSave(op, state, this.#random.below(2 ** 32) + at);
        const outcome = applySave(state, save);
        if (outcome.refused !== null) continue;
        this.#scene.allowed.noteEntries(save.entries ?? []);
        await log.save(requestOf(save).request);
        ({ state } = outcome);
      }
      if (this.#random.chance(0.5))
        await new Promise<void>((resolve) => this.#disk.queue.after(IDLE_MS, resolve));
      if (this.#random.chance(0.5)) await log.close();
      return { state, epoch };
    } catch (error) {
      if (error instanceof KeelsonError) return null;
      throw error;
    } finally {
      process.kill();
    }
  }

  #saves(): readonly SaveOp[] {
    const { segmentBytes } = this.#scene.plan.config;
    const bytes = this.#random.pick([0, 100, segmentBytes]);
    const append = { kind: 'append', count: 1 + this.#random.below(3), bytes, raise: 0 } as const;
    const vote = { kind: 'vote', raise: 1, candidate: 'late' } as const;
    return this.#random.pick([[append], [append, vote], [vote], [append, append]]);
  }
}
