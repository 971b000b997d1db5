/** The messages of the kernel that a file system of plain files must answer (include/uapi/linux/fuse.h). */
export const Opcode = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;

/** What the kernel expects no answer to. */
export const SILENT: ReadonlySet<number> = new Set([Opcode.forget, Opcode.interrupt, Opcode.batchForget]);

/** Numbers of errors on Linux; an answer carries them negative. */
export const Errno = { noEntry: 2, io: 5, noSystemCall: 38 } as const;
