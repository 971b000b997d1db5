import type { PlantedBug } from '../planted-bug.js';

const GROUP_WRITER = 'src/wal/write/group-writer.ts';
const PUBLISH = '      this.#publish(group);\n      return group.until;';
const SYNC = '      () => active.file.dataSync(mode),\n';
const SYNC_BEGINS = '    return andThen(this.#write(group), () => andThen(this.#sync(group), ';

/** Bugs in when things are synced, and in what a failed sync means. */
export const SYNC_BUGS: readonly PlantedBug[] = [
  {
    number: 1,
    name: 'ack before sync',
    rule: 'D2',
    hunks: [
      {
        file: GROUP_WRITER,
        find: SYNC_BEGINS,
        put: `    const early = (): Awaitable<void> => {
      this.#publish(group);
      return this.#sync(group);
    };
${SYNC_BEGINS.replace('this.#sync(group)', 'early()')}`,
      },
      { file: GROUP_WRITER, find: PUBLISH, put: '      return group.until;' },
    ],
  },
  {
    number: 2,
    name: 'no directory sync after a new segment',
    rule: 'D6',
    hunks: [
      {
        file: 'src/wal/write/rotation.ts',
        find: '      await syncNames(environment.disk, walDir);\n',
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
        find: SYNC,
        put: '      () => orElse(() => active.file.dataSync(mode), () => active.file.dataSync(mode)),\n',
      },
    ],
  },
  {
    number: 6,
    name: 'EIO of sync swallowed',
    rule: 'D5',
    hunks: [
      {
        file: GROUP_WRITER,
        find: SYNC,
        put: '      () => orElse(() => active.file.dataSync(mode), () => undefined),\n',
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
      { file: 'src/wal/recover/prove-tail.ts', find: '  await sync(file);\n}', put: '}' },
      {
        file: 'src/wal/recover/prove-tail.ts',
        find: '  await rewriteFrames(file, segment.salt, tail);\n',
        put: '  await rewriteFrames(file, segment.salt, tail);\n  await sync(file);\n',
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
        find: SYNC,
        put: "      () => (frames.some((frame) => frame.urgency === 'entries') ? active.file.dataSync(mode) : undefined),\n",
      },
      {
        file: GROUP_WRITER,
        find: '#sync({ active, mode }: Group)',
        put: '#sync({ active, frames, mode }: Group)',
      },
    ],
  },
];
