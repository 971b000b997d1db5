/**
 * A log that was closed cleanly has acknowledged all that it holds, so no damage to any file may pass for a tear. Bits
 * are flipped, files cut, zeroed, deleted, duplicated, swapped and rolled back, one at a time, and all is read.
 */
import { tryMatrix } from './matrix.js';

tryMatrix('clean');
