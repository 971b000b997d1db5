import type { KvClient } from '../../kv/client/kv-client.js';
import type { ScanResponse_Pair, StatusResponse } from '../../kv/generated/keelson/examples/kv/v1/kv.js';
import type { Cluster } from './cluster.js';
import { anomalies } from '../../../sim/history/linearizable.js';
import { Violation } from './violation.js';
import type { WatchedWait } from './watched-wait.js';
import type { Acked, Workload } from './workload.js';

/** Problems that are named; the rest is counted. */
const NAMED_MAX = 20;
const HOT = 'hot ';

/** What a node holds, by key. */
type Holding = ReadonlyMap<string, ScanResponse_Pair>;

/** Waits until all nodes have applied the same entries; returns what they say of themselves. */
export async function untilEqual(
  client: KvClient,
  cluster: Cluster,
  wait: WatchedWait,
): Promise<readonly StatusResponse[]> {
  for (;;) {
    wait.check('all nodes to have applied the same');
    const answers = await Promise.allSettled(cluster.addresses.map((address) => client.status(address)));
    const statuses = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
    const [first] = statuses;
    const isEqual = statuses.every(
      ({ applied, commit }) => applied === first?.applied && commit === first.commit,
    );
    const hasLeader = statuses.some(({ role }) => role === 'leader');
    if (statuses.length === cluster.addresses.length && isEqual && hasLeader) return statuses;
    await wait.pause(50);
  }
}

/** Holds everything that was said to clients against what the nodes hold. Throws a {@link Violation}. */
export async function verifyAll(
  workload: Workload,
  statuses: readonly StatusResponse[],
  cluster: Cluster,
): Promise<void> {
  const client = workload.inspector();
  for (const name of cluster.names) {
    const missing = missingOn(await holdingOf(client, cluster.addressOf(name)), workload.acked);
    if (missing.length > 0)
      throw new Violation(`Acknowledged writes that ${name} does not hold:`, named(missing));
  }
  const twins = placesTakenTwice(workload.acked);
  if (twins.length > 0) throw new Violation('Two writes have one place:', named(twins));
  const hashes = new Set(statuses.map(({ stateHash }) => stateHash));
  if (hashes.size > 1) {
    const lines = statuses.map(
      ({ memberId, applied, stateHash }) => `${memberId} at ${applied}: ${stateHash}`,
    );
    throw new Violation('The state of the nodes is not the same:', lines);
  }
  const found = anomalies(workload.history).map(({ key, operation, held }) => {
    const { kind, client: who, value } = operation;
    return `'${key}': ${who} ${kind}s '${value ?? 'nothing'}', where only '${held ?? 'nothing'}' fits`;
  });
  if (found.length > 0) throw new Violation('The history is not linearizable:', named(found));
}

/** True if a running node leads and has applied all that is committed: what none shows then, none will show. */
export async function isLed(client: KvClient, cluster: Cluster): Promise<boolean> {
  const asked = cluster.running.map((name) => client.status(cluster.addressOf(name)));
  const answers = await Promise.allSettled(asked);
  return answers.some(
    (answer) =>
      answer.status === 'fulfilled' &&
      answer.value.role === 'leader' &&
      answer.value.applied === answer.value.commit,
  );
}

/** After a violation: the acknowledged writes that no node that still runs holds. */
export async function lostEverywhere(workload: Workload, cluster: Cluster): Promise<readonly string[]> {
  const client = workload.inspector();
  const scans = await Promise.allSettled(
    cluster.running.map((name) => holdingOf(client, cluster.addressOf(name))),
  );
  const holdings = scans.filter((scan) => scan.status === 'fulfilled').map(({ value }) => value);
  if (holdings.length === 0) return [];
  const lost = workload.acked.filter((write) => holdings.every((holding) => !holds(holding, write)));
  return named(lost.map(({ key }) => `'${key}' is on none of the ${holdings.length} nodes that still run`));
}

async function holdingOf(client: KvClient, address: string): Promise<Holding> {
  return new Map((await client.scan(address)).map((pair) => [pair.key, pair]));
}

function missingOn(holding: Holding, acked: readonly Acked[]): readonly string[] {
  return acked
    .filter((write) => !holds(holding, write))
    .map(({ key, revision }) => {
      const found = holding.get(key);
      const instead = found === undefined ? 'it is not there' : `there is revision ${found.revision} of it`;
      return `'${key}', acknowledged as revision ${revision}: ${instead}`;
    });
}

/** A hot key is written over; then a later revision stands in its place. */
function holds(holding: Holding, { key, value, revision }: Acked): boolean {
  const found = holding.get(key);
  if (found === undefined) return false;
  if (key.startsWith(HOT) && found.revision > revision) return true;
  return found.revision === revision && value.equals(found.value);
}

/** A revision is a write's place among all; no two writes share one. */
function placesTakenTwice(acked: readonly Acked[]): readonly string[] {
  const places = new Map<number, string>();
  const twins: string[] = [];
  for (const { key, revision } of acked) {
    const twin = places.get(revision);
    if (twin !== undefined)
      twins.push(`'${key}' and '${twin}' were both acknowledged as revision ${revision}`);
    places.set(revision, key);
  }
  return twins;
}

function named(problems: readonly string[]): readonly string[] {
  if (problems.length <= NAMED_MAX) return problems;
  return [...problems.slice(0, NAMED_MAX), `and ${problems.length - NAMED_MAX} more`];
}
