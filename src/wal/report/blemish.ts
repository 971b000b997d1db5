/** Something that is not as it was written, but of which there is a second witness. */
export interface Blemish {
  /** The file. */
  readonly path: string;
  /** Byte offset in that file. */
  readonly offset: number;
  /** What was got against what was expected, in words. */
  readonly reason: string;
}
