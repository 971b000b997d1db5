/** How each file system is made and mounted. Small, so that images are quick to copy and to fill. */
export interface FileSystem {
  readonly name: string;
  readonly imageBytes: number;
  readonly make: readonly string[];
  readonly type: string;
  readonly mountOptions: string;
  /** To write again what is there takes new room, so that nothing can be promised on a full disk. */
  readonly copiesOnWrite: boolean;
}

const MIB = 1024 * 1024;

function ext4(name: string, mountOptions: string, features: readonly string[] = []): FileSystem {
  return {
    name,
    imageBytes: 96 * MIB,
    make: ['mkfs.ext4', '-q', '-F', '-J', 'size=4', '-E', 'lazy_itable_init=0', ...features],
    type: 'ext4',
    mountOptions,
    copiesOnWrite: false,
  };
}

export const FILE_SYSTEMS: readonly FileSystem[] = [
  ext4('ext4', 'data=ordered'),
  ext4('ext4-writeback', 'data=writeback'),
  ext4('ext4-journal', 'data=journal'),
  ext4('ext4-fast-commit', 'data=ordered', ['-O', 'fast_commit']),
  ext4('ext4-1k', 'data=ordered', ['-b', '1024']),
  {
    name: 'xfs',
    imageBytes: 300 * MIB,
    make: ['mkfs.xfs', '-q', '-f', '-K'],
    type: 'xfs',
    // A cut image bears the identity of the disk that it is a copy of.
    mountOptions: 'nouuid',
    copiesOnWrite: false,
  },
  {
    name: 'btrfs',
    imageBytes: 256 * MIB,
    make: ['mkfs.btrfs', '-q', '-f', '-K'],
    type: 'btrfs',
    mountOptions: 'defaults',
    copiesOnWrite: true,
  },
];
