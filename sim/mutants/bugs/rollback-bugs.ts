import type { PlantedBug } from '../planted-bug.js';

/** Bugs that show where some files of a store are older than others, or move while they are read. */
export const ROLLBACK_BUGS: readonly PlantedBug[] = [
  {
    number: 49,
    name: 'newest end mark chosen before those of other runs are left out',
    rule: 'R1',
    hunks: [
      {
        file: 'src/wal/store/marks-file.ts',
        find: '    if (superblock !== null && isFenced(mark.epoch, mark.lsn, [fenceOf(superblock)])) continue;\n',
        put: '',
      },
      {
        file: 'src/wal/store/marks-file.ts',
        find: '  return newest;\n',
        put: `  if (newest === null || superblock === null) return newest;
  return isFenced(newest.epoch, newest.lsn, [fenceOf(superblock)]) ? null : newest;
`,
      },
    ],
  },
  {
    number: 50,
    name: 'segments above the range not asked, and deleted',
    rule: 'R3, R6',
    hunks: [
      {
        file: 'src/wal/recover/judge.ts',
        find: 'const numbers = [...present].filter((number) => number > lastNumber);',
        put: 'const numbers = [...present].filter((number) => number > lastNumber && number < 0);',
      },
      {
        file: 'src/wal/switch/set-segments-aside.ts',
        find: '  return (await holdsFrame(file, header))\n',
        put: '  return !(await holdsFrame(file, header)) && header.number < 0\n',
      },
    ],
  },
  {
    number: 51,
    name: 'a store that moves under its reader is told to be damaged',
    rule: 'R10',
    plan: 'bug-51.json',
    hunks: [
      {
        file: 'src/wal/recover/judge-store.ts',
        find: '        if (!isFleeting && (await standsStill())) throw error;\n',
        put: '        if (!isFleeting) throw error;\n',
      },
    ],
  },
];
