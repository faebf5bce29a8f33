/** A piece of a stream, and how many entries it holds. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly rows: number;
}
