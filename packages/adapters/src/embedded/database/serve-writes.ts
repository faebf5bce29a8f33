import type { DatabaseSync } from "node:sqlite";
import { parentPort } from "node:worker_threads";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { OpenedFile } from "./opened-file.ts";
import type { WriterAnswer } from "./writer-thread.ts";

export interface WrittenFile<Open> {
  readonly connect: () => Open;
  /** As those who read have it open. */
  readonly file: OpenedFile;
  readonly closed?: () => void;
}

/**
 * The thread's end of `writerThread`: carries out requests one by one, in order. `connect` opens the file with the
 * first request, and again after one that failed. Call it once in a module that is a thread.
 */
export function serveWrites<
  Open extends { readonly database: DatabaseSync },
  Request extends { readonly kind: string },
>(
  { connect, file, closed = () => undefined }: WrittenFile<Open>,
  carryOut: (open: Open, request: Exclude<Request, { kind: "close" }>) => unknown,
): void {
  const port = parentPort;
  if (port === null) throw new Error("this module is a writer thread");
  let open: Open | undefined;

  function answer(request: Exclude<Request, { kind: "close" }>): WriterAnswer<unknown> {
    try {
      // Before anything is opened too: a connection to a file that is gone would make an empty one.
      file.check();
      open ??= connect();
      const result = carryOut(open, request);
      file.check();
      return { ok: true, result };
    } catch (error) {
      release();
      const errcode = (error as { errcode?: number }).errcode;
      return { ok: false, message: messageOf(error), errcode };
    }
  }

  /**
   * After a fault of the disk the next request begins with a new connection: what the old one believes is a guess. What
   * was begun ends with it.
   */
  function release(): void {
    const closing = open;
    open = undefined;
    try {
      closing?.database.close();
    } catch {
      // It was of no use any more.
    }
  }

  port.on("message", (request: Request) => {
    if (request.kind !== "close") return port.postMessage(answer(request as Exclude<Request, { kind: "close" }>));
    release();
    closed();
    port.close();
  });
}
