import type { PlantedBug } from '../planted-bug.js';

const WRITER = 'src/wal/write/group-writer.ts';
const OPEN = 'src/raft-log/open-raft-log.ts';

/** Bugs of what the log tells whoever watches it, of what it leaves behind, and of bytes that it hands out. */
export const HEARD_BUGS: readonly PlantedBug[] = [
  {
    number: 240,
    name: 'the copy of a torn tail is not synced',
    rule: 'R4',
    hunks: [
      {
        file: 'src/wal/store/quarantine.ts',
        find: '    await file.truncate(bytes.length);\n    await file.dataSync();\n',
        put: '    await file.truncate(bytes.length);\n',
      },
    ],
  },
  {
    number: 241,
    name: 'of a group that found no room the first frame alone is zeroed',
    rule: 'D4',
    hunks: [
      {
        file: WRITER,
        find: 'new Uint8Array(bytes), active.offset',
        put: 'new Uint8Array(Math.min(bytes, 128)), active.offset',
      },
    ],
  },
  {
    number: 242,
    name: 'a look at the fence that failed is told as a failed read, and not as a fate',
    rule: 'D5, D11',
    hunks: [
      {
        file: WRITER,
        find: "    return new KeelsonError('KEELSON_FAILED', `${error.message} ${LATCHED}`, error.details, error);\n",
        put: '    return error;\n',
      },
    ],
  },
  {
    number: 243,
    name: 'saves are refused for want of room, and nobody is told',
    rule: 'D7',
    hunks: [
      {
        file: OPEN,
        find: "if (error.code === 'KEELSON_NO_SPACE') emitter.tell('no-space', error);",
        put: 'void error;',
      },
    ],
  },
  {
    number: 244,
    name: 'a log that has failed does not tell so',
    rule: 'events',
    hunks: [
      {
        file: OPEN,
        find: "    onFailed: (error) => emitter.tell('failed', error),",
        put: '    onFailed: () => undefined,',
      },
    ],
  },
  {
    number: 245,
    name: 'the small bytes that a log hands out are its own',
    rule: 'reads',
    hunks: [
      {
        file: 'src/raft-log/state/own-copies.ts',
        find: 'return { ...meta, conf: Uint8Array.from(meta.conf) };',
        put: 'return { ...meta };',
      },
    ],
  },
  {
    number: 246,
    name: 'each group tells of all the saves that were in the queue',
    rule: 'events',
    hunks: [{ file: WRITER, find: 'saves: until - from, bytes', put: 'saves: frames.length, bytes' }],
  },
  {
    number: 247,
    name: 'segments that are used again are not counted',
    rule: 'stats',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: '    if (rotated.recycled) this.counters.segmentsRecycled += 1;\n',
        put: '',
      },
    ],
  },
];
