import { content } from './content.js';

/** The configuration that goes with a snapshot of this content. */
export function conf(id: number): Buffer {
  return content(id + 1, 20);
}
