import { nodeEnvironment, openRaftLog, type OpenOptions } from '../../src/index.js';

/** A log on a disk where, while it is full, no file can be made; those that were filled with zeros can be written. */
export function fillable(room: { readonly isFull: boolean }): typeof openRaftLog {
  const real = nodeEnvironment();
  const disk = new Proxy(real.disk, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name);
      if (name !== 'open') return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
      return (path: string, options: OpenOptions) => {
        const isMaking = options.create !== undefined && options.create !== 'never';
        if (!isMaking || !room.isFull) return target.open(path, options);
        throw Object.assign(new Error(`ENOSPC: no space left on device, open '${path}'`), { code: 'ENOSPC' });
      };
    },
  });
  return (options) => openRaftLog({ ...options, environment: { ...real, disk } });
}
