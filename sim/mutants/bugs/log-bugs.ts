import type { PlantedBug } from '../planted-bug.js';

const LOG = 'src/wal/segmented-log.ts';

/** Bugs in the life of the log: rotation, truncation, compaction, snapshots, room, the fence, failed saves. */
export const LOG_BUGS: readonly PlantedBug[] = [
  {
    number: 7,
    name: 'active segment id moved before its file is open',
    rule: 'D6',
    hunks: [
      {
        file: 'src/wal/write/rotation.ts',
        find: '  const spare = await takeSpare(spares, request.segmentBytes);',
        put: '  moved.set(active, (moved.get(active) ?? active.header.number) + 1);\n  const spare = await takeSpare(spares, request.segmentBytes);',
      },
      {
        file: 'src/wal/write/rotation.ts',
        find: '    number: active.header.number + 1,',
        put: '    number: moved.get(active) ?? 0,',
      },
      {
        file: 'src/wal/write/rotation.ts',
        find: 'export interface RotationRequest extends Sealing {',
        put: 'const moved = new WeakMap<object, number>();\n\nexport interface RotationRequest extends Sealing {',
      },
    ],
  },
  {
    number: 14,
    name: 'segments deleted before the snapshot is durable',
    rule: 'D10',
    hunks: [
      {
        file: 'src/raft-log/snapshots/snapshot-turns.ts',
        find: '      await this.#publish(staged);\n',
        put: '      if (turn.isInstall && index > this.#durable.lastIndex) await this.#log.dropUnneeded(index);\n      await this.#publish(staged);\n',
      },
      {
        file: LOG,
        find: '  dropUnneeded(): Promise<number> {\n    const dropped = this.#dropping.then(() => this.#dropUnneeded());',
        put: '  dropUnneeded(upTo?: number): Promise<number> {\n    const dropped = this.#dropping.then(() => this.#dropUnneeded(upTo));',
      },
      {
        file: LOG,
        find: '  async #dropUnneeded(): Promise<number> {',
        put: '  async #dropUnneeded(upTo?: number): Promise<number> {',
      },
      {
        file: LOG,
        find: 'this.#segments.firstNeeded(this.#request.layer.boundary()).header;',
        put: 'this.#segments.firstNeeded(upTo ?? this.#request.layer.boundary()).header;',
      },
    ],
  },
  {
    number: 19,
    name: 'truncation only in memory',
    rule: 'D1',
    hunks: [
      {
        file: 'src/raft-log/state/encode-save.ts',
        find: '    from: keepUntil,\n    until: keepUntil + entryCount,',
        put: '    from: entryCount === 0 ? view.lastIndex + 1 : keepUntil,\n    until: entryCount === 0 ? view.lastIndex + 1 : keepUntil + entryCount,',
      },
    ],
  },
  {
    number: 20,
    name: 'compaction off by one',
    rule: 'D10',
    hunks: [
      {
        file: LOG,
        find: 'this.#segments.firstNeeded(this.#request.layer.boundary()).header;',
        put: 'this.#segments.firstNeeded(this.#request.layer.boundary() + 1).header;',
      },
    ],
  },
  {
    number: 22,
    name: 'snapshot install keeps a conflicting suffix',
    rule: 'installSnapshot',
    hunks: [
      {
        file: 'src/raft-log/rules/judge-snapshot.ts',
        find: '  const keepsLog = isHeld || heldTerm === term;',
        put: '  const keepsLog = heldTerm !== undefined;',
      },
    ],
  },
  {
    number: 24,
    name: 'epoch not read again before an acknowledgement',
    rule: 'D11',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: "const looked = this.#host.superblock.checkFence('inline');",
        put: 'const looked: Awaitable<void> = undefined as Awaitable<void>;',
      },
    ],
  },
  {
    number: 25,
    name: 'reserve used by appends',
    rule: 'D7',
    plan: 'bug-25.json',
    hunks: [
      {
        file: 'src/wal/write/active-segment.ts',
        find: "      case 'entries':\n        return this.#reserve;",
        put: "      case 'entries':\n        return 0;",
      },
    ],
  },
  {
    number: 26,
    name: 'old files deleted, not moved, before the switch is durable',
    rule: 'repair, D10',
    hunks: [
      {
        file: 'src/wal/switch/store-under-repair.ts',
        find: 'await this.#switch(old, build);',
        put: 'await this.#switch(old, build, replaced);',
      },
      {
        file: 'src/wal/switch/store-under-repair.ts',
        find: 'build: () => Promise<Superblock>): Promise<SuperblockFile> {',
        put: 'build: () => Promise<Superblock>, replaced: readonly string[]): Promise<SuperblockFile> {',
      },
      {
        file: 'src/wal/switch/store-under-repair.ts',
        find: '    await file.writeBoth({ ...built, storeId, origin });\n',
        put: '    for (const path of replaced) await removeName(this.#disk, path);\n    await file.writeBoth({ ...built, storeId, origin });\n',
      },
      {
        file: 'src/wal/switch/store-under-repair.ts',
        find: 'of [...replaced, ...others])',
        put: 'of [...others])',
      },
    ],
  },
  {
    number: 27,
    name: 'clone taken without its fence',
    rule: 'D11',
    hunks: [
      {
        file: 'src/raft-log/copies/clone-raft-log.ts',
        find: 'epoch: highest.epoch + 1 + drawnBelow(EPOCHS_APART, environment),\n    above: { lsn: proven.lsn, segment: highest.segment },',
        put: 'epoch: 1 + drawnBelow(1, environment),\n    above: { lsn: 0 * proven.lsn, segment: 0 * highest.segment },',
      },
    ],
  },
  {
    number: 31,
    name: 'failed save leaves queued saves alive',
    rule: 'D8',
    hunks: [
      {
        file: 'src/wal/write/group-writer.ts',
        find: '    const all = [...frames.slice(from), ...this.#queue];\n    this.#queue = [];\n    this.#arena.reset();\n',
        put: '    const all = isUnharmed ? [...frames.slice(from), ...this.#queue] : frames.slice(from);\n    if (isUnharmed) this.#queue = [];\n',
      },
      // Behind a latch nothing is written, and no look at the fence passes: what is alive would fail there.
      {
        file: 'src/wal/write/group-writer.ts',
        find: 'if (this.#latched !== null) throw this.#latched;',
        put: 'if (this.#latched !== null && this.#queue.length < 0) throw this.#latched;',
      },
      {
        file: 'src/wal/store/superblock-file.ts',
        find: '    if (this.#latched !== null) throw this.#latched;\n',
        put: '',
      },
    ],
  },
  {
    number: 48,
    name: 'snapshot deleted without its reader being given a descriptor',
    rule: 'D10',
    hunks: [
      {
        file: 'src/snapshot/snapshot-store.ts',
        find: '        await this.#open.whileKept(path, () => this.#unlink(path));\n',
        put: '        await this.#unlink(path);\n',
      },
    ],
  },
  {
    number: 110,
    name: 'what was dropped from the end of the log stays among the newest entries in memory',
    rule: 'D1',
    hunks: [
      {
        file: 'src/raft-log/state/recent-entries.ts',
        find: '    this.truncateFrom(from);\n    const bytes',
        put: '    this.#until = Math.min(this.#until, from);\n    const bytes',
      },
    ],
  },
];
