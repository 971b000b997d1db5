import type { CallKind, CrashKind } from '../../sim/disk/calls/call-kinds.js';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import {
  describing,
  liveAll,
  mayChange,
  type Beginning,
  type Known,
  recoverTwice,
  runWhole,
  type CrashSubject,
} from './crash-everywhere.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

/** One call that fails, once. */
export interface Failure {
  readonly call: number;
  readonly kind: CallKind;
  readonly path: string;
  readonly code: string;
  /** A look changes nothing that a crash could leave. */
  readonly isLook: boolean;
}

const READS = ['EIO'] as const;
const CHANGES = ['EIO', 'ENOSPC'] as const;

/** The codes with which each call may fail. */
const CODES: Readonly<Record<CallKind, readonly string[]>> = {
  open: ['EIO', 'ENOSPC', 'EMFILE'],
  read: READS,
  write: CHANGES,
  truncate: CHANGES,
  dataSync: CHANGES,
  sync: CHANGES,
  fstat: READS,
  tryLock: READS,
  close: READS,
  mkdir: CHANGES,
  readdir: ['EIO', 'EMFILE'],
  stat: READS,
  statfs: READS,
  rename: CHANGES,
  unlink: READS,
  link: CHANGES,
  syncDirectory: ['EIO', 'ENOSPC', 'EMFILE'],
};

/** Each failure that the calls of the first life behind a beginning can have. */
export async function failuresOf<Memory extends Known>(
  { copy }: CrashSubject<Memory>,
  { disk, memory, lives: [live] }: Beginning<Memory>,
): Promise<readonly Failure[]> {
  const fork = disk.fork();
  const failures: Failure[] = [];
  fork.onCall = (notice) => {
    const { number: call, kind, path } = notice;
    const isLook = !mayChange(fork, notice);
    for (const code of CODES[kind]) failures.push({ call, kind, path, code, isLook });
    return undefined;
  };
  await runWhole(fork, (environment) => live(environment, copy(memory)));
  return failures;
}

/**
 * Lives on from a beginning with that failure in it. It has to go on, or to open again; and what a crash leaves, right behind
 * the failure and at the end of the work, has to be recovered, whichever of these kinds it is of; `isNew` says of each
 * disk whether it was not judged before. A quick run crashes at one of the two, by turns.
 */
export async function failAt<Memory extends Known>(
  subject: CrashSubject<Memory>,
  beginning: Beginning<Memory>,
  failure: Failure,
  kinds: readonly CrashKind[],
  isNew: (disk: SimulatedDisk, memory: Known) => boolean,
): Promise<void> {
  const disk = beginning.disk.fork();
  const memory = subject.copy(beginning.memory);
  const left: { readonly fork: SimulatedDisk; readonly memory: Memory; readonly when: string }[] = [];
  const leave = (when: string): void => {
    left.push({ fork: disk.fork(), memory: subject.copy(memory), when });
  };
  // A look that failed has changed nothing: a crash behind it is one like any other.
  const crashesAtOnce = !failure.isLook && (IS_DEEP || failure.call % 4 < 2);
  disk.direct(failure.call, { code: failure.code });
  disk.onCall = ({ number }) => {
    if (number === failure.call + 1 && crashesAtOnce) leave('right behind it');
    return undefined;
  };
  await runWhole(disk, (environment) => liveAll(beginning.lives, environment, memory));
  if (IS_DEEP || !crashesAtOnce) leave('at the end');
  for (const { fork, memory: known, when } of left) {
    for (const kind of kinds) {
      const crashed = fork.fork({ seed: failure.call });
      crashed.crash(kind);
      if (!isNew(crashed, known)) continue;
      await describing(`${kind} ${when}`, () =>
        recoverTwice(subject, { disk: crashed, memory: subject.copy(known) }),
      );
    }
  }
}
