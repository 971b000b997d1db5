import type { LogRequest } from './log-request.js';
import type { OlderStores } from './switch/older-stores.js';

/** How to open a directory of which it is not known yet what format it is in. */
export interface OpenRequest extends LogRequest {
  /** Null: there is no format before this one. */
  readonly older: OlderStores | null;
}
