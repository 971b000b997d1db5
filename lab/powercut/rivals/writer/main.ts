/** A writer of a rival's, as a process of its own that may be killed at any time. One argument: its orders. */
import { PublishedCount } from '../../disk/counter.js';
import { orderFaults } from '../../disk/faults.js';
import { content } from '../../model/content.js';
import { Random } from '../../random.js';
import { keyOf, noteRival, readRivalNotes } from '../notes.js';
import { RIVALS } from '../stores.js';

/** What such a writer is told. */
export interface RivalOrders {
  readonly rival: string;
  readonly dir: string;
  readonly notes: string;
  readonly count: string;
  readonly faults: string;
  readonly seed: number;
  readonly puts: number;
  readonly errors: boolean;
}

const orders = JSON.parse(process.argv[2] ?? '') as RivalOrders;
const random = new Random(orders.seed);
const count = new PublishedCount(orders.count, 'read');
const store = await RIVALS.find(({ name }) => name === orders.rival)!.open(orders.dir);
let seq = Math.max(-1, ...readRivalNotes(orders.notes).map((note) => note.seq)) + 1;
for (let left = orders.puts; left > 0;) {
  // Some at one time: their answers come in one go.
  const width = Math.min(left, random.one([1, 1, 2, 8]));
  left -= width;
  const puts: Promise<void>[] = [];
  for (let each = 0; each < width; each += 1) {
    puts.push(put(seq));
    seq += 1;
  }
  await Promise.all(puts);
  if (orders.errors && random.chance(0.04))
    orderFaults(
      orders.faults,
      random.one(['writes', 'flushes', 'both']),
      Date.now() + random.between(2, 200),
    );
}
await store.close();

/** One that fails is open in its fate: it stays without an answer, and the writer goes on, as a server would. */
async function put(number: number): Promise<void> {
  const note = { seq: number, bytes: random.one([16, 120, 256, 700, 4000, 60_000]), askedAt: count.read() };
  noteRival(orders.notes, note);
  try {
    await store.put(keyOf(number), content(number, note.bytes));
    noteRival(orders.notes, { ...note, answeredAt: count.read() });
  } catch {
    // Nothing is owed.
  }
}
