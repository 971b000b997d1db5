/**
 * A log that was killed right behind an acknowledgement may lose to damage only what R5 says: groups that the damage
 * itself took, of which no other file knows. The same faults as for a clean end, one at a time, and all is read.
 */
import { tryMatrix } from './matrix.js';

tryMatrix('unmarked');
