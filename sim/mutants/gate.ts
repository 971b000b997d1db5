import { seedsToFind, type Measured } from './measure.js';
import type { PlantedBug } from './planted-bug.js';

/** Seeds within which all built single-store bugs but {@link LATE_MAX} are found. */
const NEAR = 1000;
const LATE_MAX = 4;
/** Seeds within which all but {@link MISSED_MAX} are. */
const FAR = 25_000;
const MISSED_MAX = 1;
/** Seeds within which each cluster bug is found. */
const CLUSTER = 2000;
/** A bug found so many times later than before is a regression; below so many seeds that is chance. */
const REGRESSION = 5;
const REGRESSION_FROM = 50;

export interface Verdict {
  readonly holds: boolean;
  readonly lines: readonly string[];
}

/** Holds the figures against the gate, and against the figures of before. */
export function judgeGate(
  bugs: readonly PlantedBug[],
  now: readonly Measured[],
  before: readonly Measured[],
): Verdict {
  const of = (list: readonly Measured[], number: number): Measured | undefined =>
    list.find((one) => one.number === number);
  const built = bugs.filter(({ waitsFor }) => waitsFor === undefined);
  const seedsOf = ({ number }: PlantedBug): number => {
    const measured = of(now, number);
    return measured === undefined ? Infinity : seedsToFind(measured);
  };
  const single = built.filter(({ profile }) => profile !== 'cluster');
  const cluster = built.filter(({ profile }) => profile === 'cluster');
  const late = single.filter((bug) => seedsOf(bug) > NEAR);
  const missed = single.filter((bug) => seedsOf(bug) > FAR);
  const lateInCluster = cluster.filter((bug) => seedsOf(bug) > CLUSTER);
  const slower = built.filter(({ number }) => {
    const [then, since] = [of(before, number), of(now, number)];
    if (then === undefined || since === undefined) return false;
    const seeds = seedsToFind(since);
    return seeds > REGRESSION_FROM && seeds > REGRESSION * seedsToFind(then);
  });
  const holds =
    late.length <= LATE_MAX &&
    missed.length <= MISSED_MAX &&
    lateInCluster.length === 0 &&
    slower.length === 0;
  const lines = [
    `${single.length} single-store bugs: not within ${NEAR} seeds ${list(late)} (${LATE_MAX} may be), not within ${FAR} ${list(missed)} (${MISSED_MAX} may be)`,
    `${cluster.length} cluster bugs: not within ${CLUSTER} seeds ${list(lateInCluster)}`,
    `found ${REGRESSION} times later than before: ${list(slower)}`,
    `waiting: ${list(bugs.filter(({ waitsFor }) => waitsFor !== undefined))}`,
    holds ? 'the gate holds' : 'the gate does NOT hold',
  ];
  return { holds, lines };
}

function list(bugs: readonly PlantedBug[]): string {
  return bugs.length === 0 ? 'none' : bugs.map(({ number }) => String(number)).join(', ');
}
