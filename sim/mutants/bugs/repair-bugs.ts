import type { PlantedBug } from '../planted-bug.js';

/** Bugs in what is made of a damaged store: what is named as lost, and what is kept. */
export const REPAIR_BUGS: readonly PlantedBug[] = [
  {
    number: 230,
    name: 'a repair gives up what it could keep past a hole',
    rule: 'repair',
    hunks: [
      {
        file: 'src/raft-log/repair/survey-pieces.ts',
        find: '    this.#past = goOnPast(piece, path);\n    this.pastHoles.push(this.#past);\n',
        put: '    this.#past = goOnPast(piece, path);\n',
      },
    ],
  },
  {
    number: 231,
    name: 'a segment that ends before the next begins is no damage to verify',
    rule: 'verify, R3',
    hunks: [
      {
        file: 'src/wal/survey/survey-damage.ts',
        find: 'if (short !== null) places.push(short);',
        put: 'if (short !== null && isLast) places.push(short);',
      },
    ],
  },
  {
    number: 232,
    name: 'verify names all behind a lost entry of a frame with it',
    rule: 'verify',
    hunks: [
      {
        file: 'src/wal/survey/walk-lost-frame.ts',
        find: 'this.#at(this.behind, number, until) ?? this.#asSaid(number + 1, until) ?? this.#anywhere(number, until)',
        put: 'this.#at(this.behind, number, until)',
      },
    ],
  },
  {
    number: 233,
    name: 'a repair forgets that the log was unfit to vote before it',
    rule: 'unfit',
    hunks: [
      {
        file: 'src/raft-log/repair/repair-plan.ts',
        find: 'Math.max(until, state.unfitUntil), 0)',
        put: 'Math.min(until, state.unfitUntil), 0)',
      },
    ],
  },
];
