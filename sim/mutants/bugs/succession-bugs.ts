import type { PlantedBug } from '../planted-bug.js';

/** Bugs of a writer that was replaced, or that two processes are at once (D11). */
export const SUCCESSION_BUGS: readonly PlantedBug[] = [
  {
    number: 165,
    name: 'two opens that stamp one epoch are not told apart',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/store/superblock-file.ts',
        find: 'epoch > own.epoch || (epoch === own.epoch && !sameBytes(nonce, own.nonce)) ? epoch : 0',
        put: 'epoch > own.epoch || (epoch === Infinity && !sameBytes(nonce, own.nonce)) ? epoch : 0',
      },
    ],
  },
  {
    number: 166,
    name: 'an end mark written without a look at the epoch',
    rule: 'D11, D12',
    hunks: [
      {
        file: 'src/wal/write/end-marks.ts',
        find: "await this.#superblock.checkFence('background');\n",
        put: '',
      },
    ],
  },
  {
    number: 167,
    name: 'a slot of the superblock written without a look at the epoch',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/store/superblock-file.ts',
        find: "// D11: what a successor stamped must not be written over.\n    await this.checkFence('inline');\n",
        put: '',
      },
    ],
  },
  {
    number: 168,
    name: 'the seal of a clean end left without a look at the epoch',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/write/seal-segment.ts',
        find: "await superblock.checkFence('background');",
        put: '',
      },
    ],
  },
  {
    number: 169,
    name: 'a snapshot published without a look at the epoch',
    rule: 'D11',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: 'await this.#log.checkFence();\n',
        put: '',
      },
    ],
  },
  {
    number: 192,
    name: 'a rotation without any look at the epoch',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/write/rotation.ts',
        find: "    await superblock.checkFence('background');\n    trailer",
        put: '    trailer',
      },
      {
        file: 'src/wal/write/rotation.ts',
        find: "    await superblock.checkFence('background');\n    await nameSpare",
        put: '    await nameSpare',
      },
    ],
  },
  {
    number: 193,
    name: 'dropped segments removed without a look at the epoch',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: "await superblock.checkFence('background');\n    try",
        put: 'try',
      },
    ],
  },
  {
    number: 194,
    name: 'leftovers removed without a look at the epoch',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/switch/set-segments-aside.ts',
        find: 'await checkFence();\n',
        put: '',
      },
    ],
  },
];
