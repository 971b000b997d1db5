/** A writer, as a process of its own that may be killed at any time. One argument: its orders. */
import { readFileSync } from 'node:fs';
import { nodeEnvironment } from '../../../src/index.js';
import type { Past } from '../model/past.js';
import { Random } from '../random.js';
import { wrongEnvironment } from '../wrong/wrong-copies.js';
import { dying } from './kill-plan.js';
import { Notebook } from './notebook.js';
import type { WriterOrders } from './orders.js';
import { Writer } from './writer.js';

const orders = JSON.parse(process.argv[2] ?? '') as WriterOrders;
const notebook = new Notebook(orders.notes, orders.count);
const wrong = wrongEnvironment(orders.wrong, nodeEnvironment());
try {
  await new Writer(orders, {
    notebook,
    random: new Random(orders.seed),
    wrong,
    environment: dying(wrong.environment, orders.kill),
    past: JSON.parse(readFileSync(orders.past, 'utf8')) as Past,
  }).live();
} catch (error) {
  notebook.note({ at: notebook.records, what: 'violation', text: String(error) });
  process.exitCode = 1;
} finally {
  notebook.close();
}
