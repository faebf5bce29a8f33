import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiEvents } from "../../api-events.ts";
import type { ApiMetrics } from "../../api-metrics.ts";
import type { StreamFormat } from "../requests/answer-format.ts";
import { formats } from "../requests/answer-format.ts";
import type { Chunk } from "../tables/chunk.ts";
import { tableChunks } from "../tables/table-chunks.ts";
import { downloadName } from "./download-name.ts";
import type { ExportSlots } from "./export-slots.ts";

/**
 * Sends long answers. A chunk is asked for when the client has taken the one before, so memory stays flat whatever the
 * length; between chunks other requests have their turn; and when the client goes, the source is not asked again.
 */
export interface StreamAnswers {
  /**
   * @param chunks of NDJSON for that, else of CSV
   * @throws ApiProblem `too_many_exports`
   */
  send(request: FastifyRequest, reply: FastifyReply, format: StreamFormat, chunks: AsyncIterable<Chunk>): FastifyReply;
}

export interface StreamBounds {
  readonly slots: ExportSlots;
  readonly slowMs: number;
  readonly bytesPerSecondMin: number;
}

export function streamAnswers(bounds: StreamBounds, metrics: ApiMetrics, events: ApiEvents): StreamAnswers {
  const { slots } = bounds;
  return {
    send(request, reply, format, chunks) {
      const name = downloadName(request);
      const isTable = format === "xlsx" || format === "parquet";
      const type = isTable ? formats[format] : `${formats[format]}; charset=utf-8`;
      reply.header("content-disposition", `attachment; filename="${name}.${format}"`);
      // An export would be read whole to say nothing.
      if (request.method === "HEAD") return reply.type(type).send(Readable.from([]));
      const release = slots.take(request.callerName || request.ip);
      metrics.exportsRunning(slots.active);
      const route = request.routeOptions.url ?? "";
      const stream = Readable.from(
        counted(isTable ? tableChunks({ format, title: name }, chunks) : chunks, (rows) =>
          metrics.rowsStreamed({ route, format, rows }),
        ),
        { objectMode: false },
      );
      const stopWatching = watchRate(request.raw.socket, bounds, () => {
        metrics.connectionEnded("export_slow");
        events.exportEnded({ route, caller: request.callerName || request.ip });
      });
      stream.once("close", () => {
        stopWatching();
        release();
        metrics.exportsRunning(slots.active);
      });
      return reply.type(type).send(stream);
    },
  };
}

/** Ends a socket that stays behind and takes less than the least rate, so that others get its slot. */
function watchRate(socket: Socket, { slowMs, bytesPerSecondMin }: StreamBounds, tooSlow: () => void): () => void {
  let behindSinceMs: number | undefined;
  let takenBefore = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const taken = socket.bytesWritten - socket.writableLength;
    if (socket.writableLength === 0) behindSinceMs = undefined;
    else if (behindSinceMs === undefined) [behindSinceMs, takenBefore] = [nowMs, taken];
    else if (nowMs - behindSinceMs >= slowMs) {
      if ((taken - takenBefore) * 1000 >= bytesPerSecondMin * (nowMs - behindSinceMs)) {
        [behindSinceMs, takenBefore] = [nowMs, taken];
        return;
      }
      clearInterval(timer);
      tooSlow();
      socket.destroy();
    }
  }, slowMs / 10).unref();
  return () => clearInterval(timer);
}

async function* counted(chunks: AsyncIterable<Chunk>, sent: (rows: number) => void): AsyncGenerator<Buffer> {
  for await (const { bytes, rows } of chunks) {
    yield bytes;
    sent(rows);
    await nextTurn();
  }
}
