import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { copyImage } from '../cut/medium.js';
import { command } from '../file-system/command.js';
import type { Layout } from './mounted-log.js';

/** Room for the two segments of 64 MiB that a log has, for one more, and to spare. */
const LARGE_IMAGE_BYTES = 384 * 2 ** 20;

/** An image with new file systems: one, or one on each of two disks. */
export function makeFileSystems({ fileSystem, twoDisks, large }: Layout, image: string): void {
  const { make } = fileSystem;
  const imageBytes = large ? LARGE_IMAGE_BYTES : fileSystem.imageBytes;
  const full = `${image}.made`;
  writeFileSync(full, '');
  truncateSync(full, imageBytes);
  const [program, ...args] = make;
  command(program!, ...args, full);
  // A copy, since what was written with zeros takes no room in it.
  copyImage(full, image);
  if (twoDisks)
    command('dd', `if=${full}`, `of=${image}`, 'bs=1M', `seek=${imageBytes / 2 ** 20}`, 'conv=sparse');
  rmSync(full);
  truncateSync(image, twoDisks ? 2 * imageBytes : imageBytes);
}
