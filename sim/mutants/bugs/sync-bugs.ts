import type { PlantedBug } from '../planted-bug.js';

const GROUP_WRITER = 'src/wal/write/group-writer.ts';
const SYNC_BEGINS = '    let synced: Awaitable<void>;\n';
const SYNC_THREW = '    } catch (error) {\n      throw groupUnsynced(group, error);\n    }';
const SYNC_REJECTED = '      (error: unknown) => {\n        throw groupUnsynced(group, error);\n      },';

/** Bugs in when things are synced, and in what a failed sync means. */
export const SYNC_BUGS: readonly PlantedBug[] = [
  {
    number: 1,
    name: 'ack before sync',
    rule: 'D2',
    hunks: [
      { file: GROUP_WRITER, find: SYNC_BEGINS, put: `    this.#publish(group);\n${SYNC_BEGINS}` },
      {
        file: GROUP_WRITER,
        find: 'looked.then(() => this.#publish(group)) : this.#publish(group);',
        put: 'looked.then(() => group.until) : group.until;',
      },
    ],
  },
  {
    number: 2,
    name: 'no directory sync after a new segment',
    rule: 'D6',
    hunks: [
      {
        file: 'src/wal/write/rotation.ts',
        find: '      await syncNames(environment.disk, paths.walDir);\n',
        put: '',
      },
    ],
  },
  {
    number: 3,
    name: "no directory sync after a snapshot's rename",
    rule: 'D10',
    hunks: [
      {
        file: 'src/snapshot/snapshot-store.ts',
        find: '    try {\n      await this.#syncNames();\n    } finally {\n      this.#staging.delete(name);\n    }',
        put: '    this.#staging.delete(name);',
      },
    ],
  },
  {
    number: 4,
    name: 'snapshot file not synced',
    rule: 'D10',
    hunks: [
      {
        file: 'src/snapshot/snapshot-writer.ts',
        find: '    await this.#write(footer);\n    await this.#sync();\n',
        put: '    await this.#write(footer);\n',
      },
    ],
  },
  {
    number: 5,
    name: 'sync retried after EIO',
    rule: 'D5',
    hunks: [
      {
        file: GROUP_WRITER,
        find: SYNC_THREW,
        put: '    } catch {\n      synced = group.active.file.dataSync(group.mode);\n    }',
      },
      {
        file: GROUP_WRITER,
        find: SYNC_REJECTED,
        put: `      async (error: unknown) => {
        await group.active.file.dataSync(group.mode);
        if (error === null) throw groupUnsynced(group, error);
        return this.#acknowledge(group);
      },`,
      },
    ],
  },
  {
    number: 6,
    name: 'EIO of sync swallowed',
    rule: 'D5',
    hunks: [
      { file: GROUP_WRITER, find: SYNC_THREW, put: '    } catch {\n      synced = undefined;\n    }' },
      {
        file: GROUP_WRITER,
        find: SYNC_REJECTED,
        put: `      (error: unknown) => {
        if (error === null) throw groupUnsynced(group, error);
        return this.#acknowledge(group);
      },`,
      },
    ],
  },
  {
    number: 8,
    name: 'offset stale after a partial write',
    rule: 'D4',
    hunks: [
      {
        file: 'src/disk/write-fully.ts',
        find: 'file.write(bytes.subarray(written), position + written, mode)',
        put: 'file.write(bytes.subarray(written), position, mode)',
      },
    ],
  },
  {
    number: 9,
    name: 'short write ignored',
    rule: 'D4',
    hunks: [
      {
        file: 'src/disk/write-fully.ts',
        find: 'return written === bytes.length ? undefined : finish(file, bytes, position, mode, written);',
        put: 'return undefined;',
      },
      {
        file: 'src/disk/write-fully.ts',
        find: '  while (written < bytes.length) {',
        put: '  while (written < 0) {',
      },
    ],
  },
  {
    number: 16,
    name: 'cut not synced',
    rule: 'D4, R4',
    hunks: [
      {
        file: GROUP_WRITER,
        find: '      await active.file.dataSync();\n    } catch (unsynced) {',
        put: '      await Promise.resolve();\n    } catch (unsynced) {',
      },
      { file: 'src/wal/recover/prove-tail.ts', find: '  await syncData(file, WHAT, NEXT);\n}', put: '}' },
      {
        file: 'src/wal/recover/prove-tail.ts',
        find: '  await rewriteFrames(file, segment.salt, tail);\n',
        put: '  await rewriteFrames(file, segment.salt, tail);\n  await syncData(file, WHAT, NEXT);\n',
      },
    ],
  },
  {
    number: 18,
    name: 'recovery trusts the page cache',
    rule: 'D5',
    hunks: [
      {
        file: 'src/wal/recover/prove-tail.ts',
        find: '  await rewriteFrames(file, segment.salt, tail);\n',
        put: '',
      },
    ],
  },
  {
    number: 21,
    name: 'vote synced lazily',
    rule: 'D2',
    hunks: [
      {
        file: GROUP_WRITER,
        find: 'synced = group.active.file.dataSync(group.mode);',
        put: "if (group.frames.some((frame) => frame.urgency === 'entries')) synced = group.active.file.dataSync(group.mode);",
      },
    ],
  },
  {
    number: 80,
    name: "a clone's directory of segments, made by a try whose sync failed, taken as it stands",
    rule: 'D5, R10',
    plan: 'bug-80.json',
    hunks: [
      {
        file: 'src/wal/copy/directory-in-making.ts',
        find: '    await proveOwnName(this.#disk, walDir);\n',
        put: '',
      },
    ],
  },
  {
    number: 81,
    name: 'the mark of a copy that did not end, made by a try whose sync failed, taken as it stands',
    rule: 'D5, R11',
    plan: 'bug-81.json',
    hunks: [
      {
        file: 'src/wal/copy/directory-in-making.ts',
        find: '    await removeName(this.#disk, before.path);\n    this.#marker = await lockMarker(this.#disk, this.path);\n    await closeFile(before);\n',
        put: '',
      },
    ],
  },
];
