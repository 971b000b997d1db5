import type { Environment, RaftLogOptions } from '../../src/index.js';

/** How the writers and the judge open a log: in small segments, so that files change often. */
export function logOptions(dir: string, environment: Environment): RaftLogOptions {
  return { dir, segmentBytes: 64 * 1024, environment };
}
