import type { HeldEnvironment } from '../../disk/held-disk.js';
import { LIMITS } from '../../format/limits.js';
import type { WalLayer } from '../layer.js';
import type { OpenRequest } from '../open-request.js';
import type { StorePaths } from '../store/store-directory.js';
import { UNHEARD } from '../report/observer.js';

/** What a log is opened with that is read, or built, in the place of another: all that the other has accepted fits in it. */
export function requestBeside(
  environment: HeldEnvironment,
  paths: StorePaths,
  segmentBytes: number,
  layer: WalLayer,
): OpenRequest {
  return {
    environment,
    paths,
    create: 'never',
    segmentBytes,
    frameBytesMax: LIMITS.frameBytesMax,
    queueBytesMax: LIMITS.queueBytesMax,
    writeMode: 'background',
    readOnly: false,
    verifyOnOpen: 'tail',
    layer,
    older: null,
    observer: UNHEARD,
    signal: undefined,
  };
}
