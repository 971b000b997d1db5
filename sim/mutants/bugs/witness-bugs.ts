import type { PlantedBug } from '../planted-bug.js';

/**
 * Bugs beyond the list, each planted for one oracle that none of the others makes fire soon: an oracle that was
 * never seen to fire shows nothing when it is silent.
 */
export const WITNESS_BUGS: readonly PlantedBug[] = [
  {
    number: 101,
    name: 'bound on the bytes of a read ignored',
    rule: 'entries',
    hunks: [
      {
        file: 'src/raft-log/raft-log.ts',
        find: 'return { from, until, bytesMax, signal };',
        put: 'return { from, until, bytesMax: Infinity, signal };',
      },
    ],
  },
  {
    number: 102,
    name: 'tail left open at close',
    rule: 'close',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: '      await closeFile(writing.active.file);\n',
        put: '',
      },
    ],
  },
  {
    number: 103,
    name: 'saves that find no room are never told',
    rule: 'D7',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: '    for (const frame of all) frame.onFailed(failure);\n',
        put: '    if (!isUnharmed) for (const frame of all) frame.onFailed(failure);\n',
      },
    ],
  },
  {
    number: 104,
    name: "caller's buffers read after save has returned",
    rule: 'save',
    profile: 'over-budget',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: '      frame.encode(arena.bytes, arena.view, start + frame.headerBytes);\n',
        put: '      queueMicrotask(() => frame.encode(arena.bytes, arena.view, start + frame.headerBytes));\n',
      },
    ],
  },
  {
    number: 105,
    name: 'epoch not raised by an open',
    rule: 'D4, R7',
    plan: 'bug-105.json',
    hunks: [
      {
        file: 'src/wal/open-segmented-log.ts',
        find: 'first.judgement.highestEpoch + 1;',
        put: 'first.judgement.highestEpoch;',
      },
    ],
  },
  {
    number: 106,
    name: 'damaged segment deleted by the open that names it',
    rule: 'R3',
    hunks: [
      {
        file: 'src/wal/open-segmented-log.ts',
        find: '    } catch (error) {\n      disk.releaseAll();\n',
        put: `    } catch (error) {
      try {
        const { family, details } = error as { family?: string; details?: { path?: string } };
        if (family === 'damage') await disk.unlink(String(details?.path));
      } catch {
        // It is gone.
      }
      disk.releaseAll();
`,
      },
    ],
  },
  {
    number: 107,
    name: 'failed call of the disk thrown as it came',
    rule: 'D8',
    hunks: [
      {
        file: 'src/disk/disk-failure.ts',
        find: '  const system = systemCode(cause);\n',
        put: '  if (code === "KEELSON_WRITE_FAILED") throw cause as Error;\n  const system = systemCode(cause);\n',
      },
    ],
  },
  {
    number: 108,
    name: 'a directory that could not be opened for its sync passes for a sync that failed',
    rule: 'D5',
    hunks: [
      {
        file: 'src/snapshot/snapshot-store.ts',
        find: 'if (!isOutOfDescriptors(error)) this.#isFailed',
        put: 'if (!isOutOfDescriptors(null)) this.#isFailed',
      },
      {
        file: 'src/wal/write/rotation.ts',
        find: '|| !isShortage(error)) throw error;',
        put: '|| !isShortage(null)) throw error;',
      },
    ],
  },
];
