import { findNode } from '../disk/image/paths.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { Finding } from '../oracle/finding.js';
import type { OpBody, PutInPlace } from '../plan/plan.js';
import { hashOfText, subSeed } from '../world/random.js';
import { issueDrawn } from './issue-save.js';
import { MOVED_DIR, type Scene, STORE_DIR } from './scene.js';
import { pass, settled } from './settled.js';
import { performCompact, performSnapshot } from './snapshot-ops.js';

type MovedOp = Extract<OpBody, { kind: 'moved' }>;

/** Where the directory of the segments stands while it alone is away. */
const MOVED_SEGMENTS = '/data/moved-segments';

/**
 * An operator moves the directory away under its living writer. Whatever that is asked to do then, up to its close, it touches
 * nothing of what stands there now; what it acknowledges, the store holds where it is opened next: in its new place.
 */
export async function performMoved(scene: Scene, op: MovedOp, seed: number): Promise<void> {
  const log = scene.openLog;
  const { process } = scene;
  const issued: Promise<void>[] = [];
  for (const [at, save] of op.saves.entries()) {
    if (at === op.saves.length >> 1) await moveAway(scene, op);
    if (!process.isAlive) return;
    issued.push(issueDrawn(scene, save, subSeed(seed, at)));
    if (scene.plan.config.queueBytesMax !== undefined) await settled();
  }
  await Promise.all(issued);
  if (op.snapshots) {
    await performSnapshot(scene, { kind: 'snapshot', share: 0.999, bytes: 100, chunks: 1, beside: [] }, seed);
    await performCompact(scene, 1);
  }
  if (log.status === 'failed') scene.reach['stopped-by-move'] += 1;
  await log.close();
  endMove(scene);
}

async function moveAway(scene: Scene, { part, put }: MovedOp): Promise<void> {
  const { disk, process } = scene;
  // A change of a name that is under way may land in either directory: no look before it can help.
  for (let ms = 0.05; ms === 0.05 || disk.isChangingNames; ms *= 2) await pass(scene, ms);
  if (!process.isAlive) return;
  const path = part === 'store' ? scene.dir : scene.walDir;
  const to = part === 'segments' ? MOVED_SEGMENTS : path === STORE_DIR ? MOVED_DIR : STORE_DIR;
  disk.move(path, to);
  if (part === 'store') scene.dir = to;
  putInPlace(disk, put, to, path);
  scene.other = { path, lines: linesOf(disk, path), segmentsAt: part === 'segments' ? to : null };
  disk.trace.note(`-- ${path} moved to ${to}, in its place: ${put}`);
  scene.reach['moved-away'] += 1;
}

function putInPlace(disk: SimulatedDisk, put: PutInPlace, from: string, path: string): void {
  if (put === 'nothing') return;
  disk.makeDirectory(path);
  if (put === 'empty') return;
  for (const file of disk.list().filter((name) => name.startsWith(`${from}/`))) {
    const copy = path + file.slice(from.length);
    disk.makeDirectory(copy.slice(0, copy.lastIndexOf('/')));
    disk.writeFile(copy, disk.readVolatile(file) ?? new Uint8Array(0));
  }
}

/** What stands in the place of a moved directory is as it was put there; it goes, and segments alone come back. */
export function endMove(scene: Scene): void {
  const { disk, other } = scene;
  if (other === null) return;
  scene.other = null;
  const now = linesOf(disk, other.path);
  // Rot may have hit it too.
  if (!scene.isDamaged && now.join('\n') !== other.lines.join('\n')) {
    const what = `the writer whose directory was moved away changed what stands in its place, at ${other.path}`;
    const changed = now.filter((line) => !other.lines.includes(line));
    const gone = other.lines.filter((line) => !now.includes(line));
    throw new Finding({ oracle: 'other-store', what, expected: gone, found: changed.join(', ') });
  }
  if (now.length > 0) disk.remove(other.path);
  if (other.segmentsAt !== null) disk.move(other.segmentsAt, other.path);
}

/** Each name at and below a path, files with a hash of their bytes. */
function linesOf(disk: SimulatedDisk, path: string): string[] {
  const node = findNode(disk.fs, path, 'stat');
  if (node === undefined) return [];
  if (node.kind === 'file')
    return [`${path} ${hashOfText(Buffer.from(disk.readVolatile(path) ?? []).toString('latin1'))}`];
  return [
    `${path}/`,
    ...[...node.volatile.keys()].sort().flatMap((name) => linesOf(disk, `${path}/${name}`)),
  ];
}
