/**
 * The process that is killed: it feeds the text into the log as fast as the disk allows, and says what it does.
 * Started by the demonstration with its orders as the one argument; it stops in good order when its standard
 * input ends, and so outlives nobody.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openRaftLog, type RaftLog } from '../../../../src/index.js';
import { Random } from '../../../../sim/index.js';
import { announce, type PlannedSave } from '../announcement.js';
import { readText, type Text } from '../text.js';
import type { WriterOrders } from '../writer-orders.js';
import { Host } from './host.js';
import { planToRequest } from './plan-to-request.js';
import { Proposals } from './proposals.js';
import { SnapshotTaker } from './snapshot-taker.js';

/** Most saves under way at once: what arrives together shares a sync. */
const UNDER_WAY_MAX = 16;
/** How long a sabotaged writer sits on what it has acknowledged. */
const SABOTAGE_DELAY_MS = 20;
/** Sync times are said in parcels, so that saying them costs little. */
const SYNCS_SAID_TOGETHER = 8;

const orders = JSON.parse(process.argv[2] ?? '{}') as WriterOrders;
let isStopping = false;
process.stdin.resume().once('end', () => {
  isStopping = true;
});

announce({ is: 'opening' });
const log = await openRaftLog({ dir: orders.dir, segmentBytes: orders.segmentBytes });
tellEvents(log);
announce({ is: 'open' });
if (orders.life === 'writing') {
  const text = readText(orders.input);
  await feed(log, text, await Host.restore(log, text), new Random(orders.seed));
} else {
  await once(process.stdin, 'close');
}
await log.close();
announce({ is: 'closed' });

function tellEvents(of: RaftLog): void {
  let syncMs: number[] = [];
  of.events.on('sync', ({ ms }) => {
    syncMs.push(Math.round(ms * 1000) / 1000);
    if (syncMs.length < SYNCS_SAID_TOGETHER) return;
    announce({ is: 'synced', ms: syncMs });
    syncMs = [];
  });
  of.events.on('rotate', () => {
    announce({ is: 'rotated' });
  });
}

/** Saves until it is told to stop; rejects if a save does. */
async function feed(of: RaftLog, lines: Text, host: Host, random: Random): Promise<void> {
  const start = { hardState: of.hardState, lastIndex: of.lastIndex, lastTerm: of.lastTerm };
  const { uncommitted, nextLine } = host;
  const proposals = new Proposals(random, lines, { ...start, uncommitted, nextLine });
  const snapshots = new SnapshotTaker(of, host, random);
  const underWay: Promise<void>[] = [];
  while (!isStopping) {
    // A burst in one turn, then a wait until some of it is durable: groups of many sizes.
    for (let burst = 1 + random.below(8); burst > 0; burst--) {
      underWay.push(
        saveAndTell(of, proposals.next(), lines, (save) => {
          host.saved(save);
          snapshots.consider();
        }),
      );
    }
    const allowed = random.below(UNDER_WAY_MAX);
    while (underWay.length > allowed) await underWay.shift();
  }
  await Promise.all(underWay);
  await snapshots.finish();
}

async function saveAndTell(
  of: RaftLog,
  save: PlannedSave,
  lines: Text,
  onSaved: (save: PlannedSave) => void,
): Promise<void> {
  announce({ is: 'issued', save });
  if (orders.sabotage === 'ack-early') {
    announce({ is: 'acked' });
    await delay(SABOTAGE_DELAY_MS);
    await of.save(planToRequest(save, lines));
  } else {
    await of.save(planToRequest(save, lines));
    announce({ is: 'acked' });
  }
  onSaved(save);
}
