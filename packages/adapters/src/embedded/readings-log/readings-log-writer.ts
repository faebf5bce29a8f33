import type { FrameToWrite } from "../../report-batches/report-batcher.ts";
import { writerThread } from "../database/writer-thread.ts";
import type { WriterData, WriterRequest } from "./readings-log-thread.ts";

/** The caller's end of the writer thread, which starts with the first request. */
export interface ReadingsLogWriter {
  /** Resolves when all frames are on disk; rejects with an AdapterError when none is. */
  append(frames: readonly FrameToWrite[], atMs: number): Promise<void>;
  /** Answers how many frames were deleted; 0 = there is no more to delete. */
  trim(partition: number, offset: number, beforeMs: number): Promise<number>;
  /** After the requests before it. */
  close(): Promise<void>;
}

export function readingsLogWriter(data: WriterData): ReadingsLogWriter {
  const module = new URL("./readings-log-thread.ts", import.meta.url);
  const thread = writerThread<WriterRequest>(module, { name: "readings-log", data });
  return {
    async append(frames, atMs) {
      const buffers = frames.map(({ bytes }) => bytes.buffer as ArrayBuffer);
      await thread.ask<number>({ kind: "append", frames, atMs }, buffers);
    },
    trim: (partition, offset, beforeMs) => thread.ask<number>({ kind: "trim", partition, offset, beforeMs }),
    close: thread.close,
  };
}
