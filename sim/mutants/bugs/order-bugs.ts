import type { PlantedBug } from '../planted-bug.js';

const OPEN = 'src/wal/open-segmented-log.ts';
const PROVE = 'src/wal/recover/prove-tail.ts';
const ROTATION = 'src/wal/write/rotation.ts';
const WRITER = 'src/wal/write/group-writer.ts';

const COPY = `    for (const path of await quarantineTail(disk, copy)) tally.quarantined.push(path);
    tally.cut = { path: segment.path, offset: tail.runUntil, bytes: bytes.length, reason };
`;
const ZERO = '    await zero(file, tail.runUntil, cutUntil);\n';

/**
 * Bugs in the order of calls. What they leave shows only to a crash that falls between two calls and keeps the one
 * without the other; before that, the platter shows that a call came too early.
 */
export const ORDER_BUGS: readonly PlantedBug[] = [
  {
    number: 60,
    name: 'newest slot not written again before the older one is written over',
    rule: 'D5',
    hunks: [{ file: OPEN, find: '    await superblock.renew();\n', put: '' }],
  },
  {
    number: 61,
    name: 'where an epoch begins written into one slot only',
    rule: 'D11',
    hunks: [
      {
        file: OPEN,
        find: `    await superblock.writeBoth({
      fenceEpoch: superblock.current.epoch,`,
        put: `    await superblock.write({
      fenceEpoch: superblock.current.epoch,`,
      },
    ],
  },
  {
    number: 62,
    name: 'recovery deletes before it syncs the directories',
    rule: 'R10',
    hunks: [
      {
        file: OPEN,
        find: '    await proveNames(disk, this.#paths, listing, newest.newestSegment);\n',
        put: '',
      },
      {
        file: OPEN,
        find: '    await this.#cleanUp(superblock, judged.listing, judgement);\n',
        put: `    await this.#cleanUp(superblock, judged.listing, judgement);
    await proveNames(disk, this.#paths, listing, newest.newestSegment);
`,
      },
    ],
  },
  {
    number: 63,
    name: 'a segment gets its name before its header',
    rule: 'D6',
    hunks: [
      { file: ROTATION, find: '    await writeHeader(spare, header);\n', put: '' },
      {
        file: ROTATION,
        find: '    await nameSpare(environment, spare, path);\n',
        put: '    await nameSpare(environment, spare, path);\n    await writeHeader(spare, header);\n',
      },
    ],
  },
  {
    number: 64,
    name: 'a torn tail is copied to quarantine after it was zeroed',
    rule: 'R4',
    hunks: [
      {
        file: PROVE,
        find: COPY + ZERO,
        put: ZERO + COPY,
      },
    ],
  },
  {
    number: 65,
    name: 'repair switches before the name of its new segment is durable',
    rule: 'repair',
    hunks: [
      {
        file: 'src/wal/switch/build-beside.ts',
        find: '  await syncNames(environment.disk, walDir);\n',
        put: '',
      },
    ],
  },
  {
    number: 66,
    name: 'zeros over a refused frame left to the next sync',
    rule: 'D4',
    hunks: [
      {
        file: WRITER,
        find: '      await active.file.dataSync();\n    } catch (unsynced) {',
        put: '      await Promise.resolve();\n    } catch (unsynced) {',
      },
    ],
  },
  {
    number: 67,
    name: 'ENOSPC out of a sync survived like one out of a write',
    rule: 'D5, D7',
    hunks: [
      {
        file: WRITER,
        find: '    } catch (error) {\n      throw groupUnsynced(group, error);',
        put: `    } catch (error) {
      if (isNoSpace(error)) return this.#throwUnwritten(group, error);
      throw groupUnsynced(group, error);`,
      },
      {
        file: WRITER,
        find: '      (error: unknown) => {\n        throw groupUnsynced(group, error);',
        put: `      (error: unknown) => {
        if (isNoSpace(error)) return this.#throwUnwritten(group, error);
        throw groupUnsynced(group, error);`,
      },
    ],
  },
  {
    number: 68,
    name: 'recovery clears away before the tail is proven',
    rule: 'R10, D10',
    hunks: [
      { file: OPEN, find: '    await this.#cleanUp(superblock, judged.listing, judgement);\n', put: '' },
      {
        file: OPEN,
        find: '    await proveTail(',
        put: '    await this.#cleanUp(superblock, judged.listing, judgement);\n    await proveTail(',
      },
    ],
  },
  {
    number: 79,
    name: 'a segment is used again while the log reads it',
    rule: 'D3, D10',
    hunks: [
      {
        file: 'src/wal/segmented-log.ts',
        find: 'if (isUnread && spares.wants',
        put: 'if ((isUnread || segmentBytes > 0) && spares.wants',
      },
    ],
  },
];
