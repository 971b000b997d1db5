import { checksum } from '../../src/format/checksum.js';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import type { ModelSnapshot } from '../oracle/log-state.js';
import type { SaveOp } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { payloadOf } from './payload.js';
import type { Scene } from './scene.js';

/** A snapshot to be taken, as the model and as the log sees it. */
export interface Taken {
  readonly snapshot: ModelSnapshot;
  readonly chunks: readonly Uint8Array[];
}

/** The data and the meta of a snapshot, from the seed. */
export function makeSnapshot(
  index: number,
  term: number,
  op: { readonly bytes: number; readonly chunks: number },
  seed: number,
): Taken {
  const data = payloadOf(subSeed(seed, 'data'), op.bytes);
  const conf = payloadOf(subSeed(seed, 'conf'), seed % 40);
  const step = Math.max(1, Math.ceil(data.length / op.chunks));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += step) chunks.push(data.subarray(at, at + step));
  return { snapshot: { index, term, conf, bytes: data.length, dataHash: checksum(data) }, chunks };
}

/** In the place of a save beside a snapshot, whose index must stay as it is. */
export function cuttingNothing(op: SaveOp, at: number): SaveOp {
  if (op.kind === 'append' || op.kind === 'vote') return op;
  return { kind: 'append', count: 1, bytes: 20 + at, raise: 0 };
}

/** Data in pieces; `between` runs before each and behind the last, and then `atEnd`. */
export function streamOf(
  chunks: readonly Uint8Array[],
  between: () => void = () => undefined,
  atEnd: () => void = () => undefined,
): GivenData {
  return new GivenData(piecesOf(chunks, between, atEnd));
}

async function* piecesOf(
  chunks: readonly Uint8Array[],
  between: () => void,
  atEnd: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    between();
    yield chunk;
  }
  between();
  atEnd();
}

/** Data that was handed in, and whether whoever has it is done with it: what it comes from may hold a file or a socket. */
export class GivenData implements AsyncIterable<Uint8Array> {
  isOver = false;
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>;

  constructor(pieces: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#pieces = pieces;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    return {
      next: async () => {
        try {
          const step = await this.#pieces.next();
          this.isOver ||= step.done === true;
          return step;
        } catch (error) {
          this.isOver = true;
          throw error;
        }
      },
      return: () => {
        this.isOver = true;
        return this.#pieces.return();
      },
    };
  }
}

/** Whatever comes of a call, the data that was given to it is run to its end, or let go. */
export function checkLetGo(scene: Scene, data: GivenData, index: number): void {
  if (data.isOver) return;
  const what = `${scene.by} has an answer for the snapshot at ${index}, and its data was neither read to the end nor let go`;
  scene.found(new Finding({ oracle: 'leak', what }));
}

/** What is done is told, before who asked for it goes on. */
export function checkTold(scene: Scene, told: keyof Scene['told'], index: number): void {
  if (scene.told[told] === index) return;
  const what = `${scene.by} came to ${told} ${index}, and the events of the log say ${scene.told[told]}`;
  scene.found(new Finding({ oracle: 'durable-view', what }));
}

/** D8: a snapshot whose record failed covers nothing, so that nothing may be compacted up to it. */
export async function checkSunk(scene: Scene, log: RaftLog, index: number): Promise<void> {
  const { snapshot } = scene.allowed.newest.state;
  if (index <= (snapshot?.index ?? 0)) return;
  try {
    await log.compact(index);
  } catch (error) {
    if (isKeelsonError(error, 'KEELSON_UNAVAILABLE')) scene.reach['sunk-snapshot-covers-nothing'] += 1;
    return;
  }
  const what = `${scene.by}: the record of the snapshot at ${index} failed, and yet the log was compacted up to it`;
  throw new Finding({ oracle: 'refusal', what, expected: ['a refusal with KEELSON_UNAVAILABLE'] });
}
