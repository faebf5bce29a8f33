import type { InfluxConnection } from "../client/influx-connection.ts";
import type { Trail, TrailStep } from "../trail/trail.ts";
import type { WriteOptions } from "./influx-write.ts";
import { writeLines } from "./influx-write.ts";

/** Lines of one batch on their way: one request at a time and server, each with up to `linesMax` of them. */
export interface LineQueue {
  /** Takes `lines` lines, each with its end. A request goes out as soon as there is enough for one. */
  add(server: number, text: string, lines?: number): void;
  /** Resolves once all of them are stored. */
  finish(): Promise<void>;
}

export function lineQueue(
  connections: readonly InfluxConnection[],
  trails: readonly Trail[],
  options: WriteOptions & { readonly linesMax: number },
): LineQueue {
  const servers = connections.map((connection, index) => {
    return { connection, trail: trails[index] as Trail, text: "", lines: 0, sent: Promise.resolve() };
  });

  function send(server: (typeof servers)[number]): void {
    const { connection, text, lines, trail } = server;
    server.text = "";
    server.lines = 0;
    server.sent = server.sent.then(() => writeWithTrail(connection, trail.step(), { text, lines }, options));
    // Whoever waits in `finish` is told; nobody may wait any more when the batch was abandoned.
    server.sent.catch(() => undefined);
  }

  return {
    add(index, text, lines = 1) {
      const server = servers[index] as (typeof servers)[number];
      server.text += text;
      server.lines += lines;
      if (server.lines >= options.linesMax) send(server);
    },
    async finish() {
      for (const server of servers) if (server.lines > 0) send(server);
      await Promise.all(servers.map(({ sent }) => sent));
    },
  };
}

/** Lines and the point of the trail that tells of them, in one request. */
export async function writeWithTrail(
  connection: InfluxConnection,
  step: TrailStep,
  { text, lines, note }: { readonly text: string; readonly lines: number; readonly note?: string },
  options: WriteOptions,
): Promise<void> {
  try {
    const whole = text + step.text(options.precision, note);
    // The points of the trail are not counted: what is refused is told by how many of the lines are.
    const written = await writeLines(connection, whole, Math.max(1, lines), options);
    step.ended(written === "stored" ? "stored" : "unknown");
  } catch (error) {
    step.ended("unknown");
    throw error;
  }
}
