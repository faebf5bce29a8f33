import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Format } from "./answer-format.ts";
import { formats } from "./answer-format.ts";
import type { ApiMetrics } from "./api-metrics.ts";
import type { ExportSlots } from "./export-slots.ts";

/** A piece of a stream, and how many entries it holds. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * Sends long answers. A chunk is asked for when the client has taken the one before, so memory stays flat whatever the
 * length; between chunks other requests have their turn; and when the client goes, the source is not asked again.
 */
export interface StreamAnswers {
  /** @throws ApiProblem `too_many_exports` */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    format: Exclude<Format, "json">,
    chunks: AsyncIterable<Chunk>,
  ): FastifyReply;
}

export function streamAnswers(slots: ExportSlots, metrics: ApiMetrics): StreamAnswers {
  return {
    send(request, reply, format, chunks) {
      const release = slots.take();
      metrics.exportsRunning(slots.active);
      const route = request.routeOptions.url ?? "";
      const stream = Readable.from(
        counted(chunks, (rows) => metrics.rowsStreamed({ route, format, rows })),
        { objectMode: false },
      );
      stream.once("close", () => {
        release();
        metrics.exportsRunning(slots.active);
      });
      return reply.type(`${formats[format]}; charset=utf-8`).send(stream);
    },
  };
}

async function* counted(chunks: AsyncIterable<Chunk>, sent: (rows: number) => void): AsyncGenerator<Buffer> {
  for await (const { bytes, rows } of chunks) {
    yield bytes;
    sent(rows);
    await nextTurn();
  }
}
