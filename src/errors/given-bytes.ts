import { types } from 'node:util';

/**
 * What a caller hands in as bytes, taken for what it is: by its own brand and its own memory, which no subclass, proxy or
 * own property can make look like another. The getters are looked up once, here, so that nobody changes them later.
 */

const bufferOf = getter(Object.getPrototypeOf(Uint8Array.prototype) as object, 'buffer') as (
  bytes: Uint8Array,
) => ArrayBufferLike;
/** Throws for shared memory, which is no `ArrayBuffer`. */
const isResizable = getter(ArrayBuffer.prototype, 'resizable') as (buffer: ArrayBufferLike) => boolean;
const { getPrototypeOf, hasOwn } = Object;
const ARRAY: unknown = Uint8Array.prototype;
const BUFFER: unknown = Buffer.prototype;

function getter(prototype: object, name: string): (owner: never) => unknown {
  const get: unknown = Reflect.get(Object.getOwnPropertyDescriptor(prototype, name) ?? {}, 'get');
  return Function.prototype.call.bind(get as () => unknown) as (owner: never) => unknown;
}

/**
 * What `value` should have been, or null if it may be read: a `Uint8Array` of any realm, a Buffer among them, on memory
 * of this thread that keeps its size. Shared memory may change between two reads, and between the copy and its sum.
 */
export function lackOfBytes(value: unknown): string | null {
  if (!types.isUint8Array(value)) return 'a Uint8Array';
  const buffer = bufferOf(value);
  try {
    if (isResizable(buffer)) return 'a Uint8Array whose memory keeps its size: copy it first';
  } catch {
    return 'a Uint8Array on memory that no other thread shares: copy it first';
  }
  return value.length === 0 && isDetached(buffer) ? 'a Uint8Array that was not transferred away' : null;
}

/** True if the memory was handed to someone else. An array on it reads as empty, and must not be taken for one that is. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    // Node 20 has no `ArrayBuffer.prototype.detached`; a view over such a buffer cannot be made.
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/**
 * The same bytes as an array whose `length` and elements are no code of the caller's. Only what pretends to be more than
 * a Uint8Array or a Buffer is copied for it.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  // Compared one by one: `includes` takes as long as all else that is done here.
  const prototype: unknown = getPrototypeOf(bytes);
  const isPlain = (prototype === ARRAY || prototype === BUFFER) && !hasOwn(bytes, 'length');
  return isPlain ? bytes : new Uint8Array(bytes);
}
