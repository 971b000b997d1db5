/**
 * A log that was killed after its end mark landed can prove all that it acknowledged, so nothing may be lost (D12). The
 * same faults as for a clean end, one at a time, and all is read.
 */
import { tryMatrix } from './matrix.js';

tryMatrix('marked');
