import type { PlanFaultKind } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import type { ClusterNode } from './cluster-node.js';
import type { CallFault, ClusterFault, ClusterOp, CrashPlan, NodeChoice } from './cluster-plan.js';
import type { ClusterWorld } from './cluster-world.js';

/** An armed crash whose call does not come within this time happens then. */
const CRASH_WITHIN_TICKS = 4;
/** Voters that are left at least when a member is taken out. */
const VOTERS_MIN = 3;

/** Does what a client or an operator asks for at its time. */
export function performOp(world: ClusterWorld, op: ClusterOp): void {
  const { clients, operator } = world;
  switch (op.kind) {
    case 'put':
      clients.put(world.nodeAt(op.node), op.key, op.bytes);
      return;
    case 'get':
      clients.get(world.nodeAt(op.node), op.key);
      return;
    case 'burst':
      for (let count = 0; count < op.count; count += 1) clients.put(world.leader, op.key, op.bytes);
      return;
    case 'transfer':
      transfer(world, op.node);
      return;
    case 'campaign':
      campaign(world.nodeAt(op.node));
      return;
    case 'unreachable': {
      const host = world.leader?.host;
      const { id } = world.nodeAt(op.node);
      host?.feed(() => {
        host.raft.reportUnreachable(id);
      });
      return;
    }
    case 'snapshot':
      world.nodeAt(op.node).host?.taker.takeAtOnce();
      return;
    case 'grow':
      operator.grow();
      return;
    case 'shrink': {
      const voters = world.leader?.status?.configuration.voters ?? [];
      if (voters.length > VOTERS_MIN) operator.remove(world.nodeAt(op.node));
      return;
    }
    case 'swap': {
      const node = world.nodeAt(op.node);
      operator.grow();
      operator.remove(node);
    }
  }
}

/** Lets a fault begin, and sees to its end. */
export function performFault(world: ClusterWorld, fault: ClusterFault): void {
  const { network, queue } = world;
  switch (fault.kind) {
    case 'cut':
      writeAt(world, world.leader, fault.writes ?? 0);
      for (const { link, ms } of fault.links) cut(world, link, ms);
      return;
    case 'rough':
      network.roughen(fault);
      queue.after(fault.ms, () => {
        network.smooth(fault);
      });
      return;
    case 'pause': {
      const node = world.nodeAt(fault.node);
      node.pause(fault.ms);
      // Whoever waits for it is taken ahead of what its peers have sent meanwhile: a leader may long be replaced by then.
      if (node.isPaused)
        node.defer(() => {
          world.clients.get(node, 0);
          world.clients.put(node, 1, 4);
        });
      return;
    }
    case 'crash':
      for (const choice of fault.nodes) crash(world, world.nodeAt(choice), fault.crashes);
      return;
    case 'crash-during':
      world.crashesDuring.push(fault);
      return;
    case 'crash-all':
      world.reach['all-crashed-at-once'] += 1;
      [...world.nodes.values()].forEach((node, at) => {
        node.crash(fault.how, fault.downMs[at % fault.downMs.length] ?? 0);
      });
      return;
    case 'call':
      failCall(world.nodeAt(fault.node), fault.what, fault);
      return;
    case 'squeeze':
      squeeze(world, fault);
      return;
    case 'rot':
      rot(world, world.nodeAt(fault.node), fault.what, fault.id);
      return;
    case 'lose-tail':
      loseTail(world, world.nodeAt(fault.node), fault.keepShare, fault.downMs);
      return;
    case 'lose-disk':
      loseDisk(world, world.nodeAt(fault.node), fault.freshAfterMs);
      return;
  }
}

function campaign({ host }: ClusterNode): void {
  host?.feed(() => void host.raft.campaign());
}

/** Clients that know of no other leader. */
function writeAt(world: ClusterWorld, node: ClusterNode | null, count: number): void {
  for (let at = 0; at < count; at += 1)
    world.queue.after(at * world.plan.config.tickMs, () => {
      world.clients.put(node, at % 2, 4);
    });
}

function transfer(world: ClusterWorld, choice: NodeChoice): void {
  const host = world.leader?.host;
  const { id } = world.nodeAt(choice);
  host?.transfer(id, () => {
    world.reach['leadership-transferred'] += 1;
  });
}

function cut(world: ClusterWorld, [from, to]: readonly [NodeChoice, NodeChoice], ms: number): void {
  const { network, queue, reach } = world;
  const ids = [world.nodeAt(from).id, world.nodeAt(to).id] as const;
  if (ids[0] === ids[1]) return;
  reach['link-cut-one-way'] += 1;
  network.cut(...ids);
  queue.after(ms, () => {
    network.mend(...ids);
  });
}

function crash(world: ClusterWorld, node: ClusterNode, [first, ...again]: readonly CrashPlan[]): void {
  if (first === undefined || node.host === null) return;
  // A client's read is under way, and the client asks again: the first answer may come to the second question.
  const ask = (): void => {
    world.clients.get(node, 0);
  };
  ask();
  node.crashes.asksAgain = { behindLife: node.life, ask };
  node.crashes.toCome = [...again];
  const armed = node.crashes.arm(first);
  const { life } = node;
  world.queue.after(CRASH_WITHIN_TICKS * world.plan.config.tickMs, () => {
    if (node.calls.disarm(armed) && node.life === life) node.crash(first.how, first.downMs);
  });
}

function failCall(
  node: ClusterNode,
  what: CallFault,
  { on, of, nth }: Pick<CrashPlan, 'on' | 'of' | 'nth'>,
): void {
  const isCode = what === 'EIO' || what === 'ENOSPC' || what === 'EMFILE';
  const kind: PlanFaultKind = what;
  node.calls.arm({
    on,
    ...(of === undefined ? {} : { of }),
    nth,
    what: kind,
    directive: isCode ? { code: what } : { fault: what },
    onMet: () => {
      if (isCode) node.hasSuffered = true;
      if (what === 'stuck') node.stuckLife = node.life;
    },
  });
}

function squeeze(
  world: ClusterWorld,
  { node: choice, freeBytes, ms, campaigner = null }: Extract<ClusterFault, { readonly kind: 'squeeze' }>,
): void {
  const node = world.nodeAt(choice);
  node.squeeze(freeBytes);
  if (campaigner !== null)
    world.queue.after(ms / 2, () => {
      campaign(world.nodeAt(campaigner));
    });
  world.queue.after(ms, () => {
    node.squeeze(null);
  });
}

function rot(
  world: ClusterWorld,
  node: ClusterNode,
  what: 'bit-rot' | 'unreadable-sector',
  id: number,
): void {
  if (node.isLost) return;
  if (!world.mayLose(node)) {
    world.reach['loss-withheld'] += 1;
    return;
  }
  if (!node.disk.damage(what, subSeed(world.plan.seed, id))) return;
  node.isDamaged = true;
  node.hasSuffered = true;
}

function loseDisk(world: ClusterWorld, node: ClusterNode, freshAfterMs: number): void {
  if (node.isLost) return;
  if (!world.mayLose(node)) {
    world.reach['loss-withheld'] += 1;
    return;
  }
  world.reach['disk-lost'] += 1;
  node.lose();
  world.operator.replace(node, freshAfterMs);
}

function loseTail(world: ClusterWorld, node: ClusterNode, keepShare: number, downMs: number): void {
  if (!node.isHealthy || node.host === null) return;
  if (!world.mayLose(node)) {
    world.reach['loss-withheld'] += 1;
    return;
  }
  node.loseTail(keepShare, downMs).catch((error: unknown) => {
    world.found(error);
  });
}
