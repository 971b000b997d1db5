import { Random } from '../random.js';

/** The bytes that a number stands for, so that notes need not hold them. Two numbers never give the same bytes from 8 on. */
export function content(id: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const words = Math.floor(length / 4);
  const random = new Random(id);
  for (let word = 0; word < words; word += 1) bytes.writeUInt32LE(random.seed(), word * 4);
  for (let at = words * 4; at < length; at += 1) bytes[at] = id & 0xff;
  if (length >= 8) bytes.writeDoubleLE(id, 0);
  return bytes;
}
