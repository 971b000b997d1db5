import { KeelsonError } from '../../errors/index.js';
import type { LogStore } from '../log-store.js';

/**
 * What a store without files of its own says to who wants copies of them.
 *
 * @param where - `'in memory'`: a log there has no files; and where one has
 */
export function withoutFiles(
  where: string,
  instead: string,
): Pick<LogStore, 'beginCheckpoint' | 'space' | 'segmentsSince'> {
  const refusal = (): KeelsonError => {
    const message = `a log ${where} has no files to copy here; nothing was made. ${instead}`;
    return new KeelsonError('KEELSON_UNAVAILABLE', message);
  };
  return {
    beginCheckpoint: () => Promise.reject(refusal()),
    space: () => Promise.reject(refusal()),
    segmentsSince: async function* () {
      yield* await Promise.reject<never[]>(refusal());
    },
  };
}
