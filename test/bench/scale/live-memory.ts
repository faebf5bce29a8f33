import { z } from "zod";
import type { ServiceProcess } from "../../support/processes/service-process.ts";

/**
 * For the environment of a service: lets `liveBytesOf` ask it, hold more than the 4 GB that Node allows by itself, and
 * forget a batch before it grows old (docs/servers.md).
 */
export const askable = { NODE_OPTIONS: "--inspect=127.0.0.1:0 --max-old-space-size=12288 --max-semi-space-size=64" };

const answerSchema = z.object({
  id: z.number(),
  result: z.object({
    result: z.object({ value: z.object({ heapUsed: z.number(), external: z.number() }).optional() }).optional(),
  }),
});

/** What a process of ours holds after a full garbage collection, in bytes. What it has of the system is more. */
export async function liveBytesOf(process: ServiceProcess): Promise<number> {
  const url = /ws:\/\/\S+/.exec(process.errors())?.[0];
  if (url === undefined) throw new Error("the process was not started to be asked");
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  const ask = asker(socket);
  try {
    await ask("HeapProfiler.collectGarbage");
    const { result } = await ask("Runtime.evaluate", { expression: "process.memoryUsage()", returnByValue: true });
    const usage = result.result?.value;
    if (usage === undefined) throw new Error("the process does not say what it uses");
    return usage.heapUsed + usage.external;
  } finally {
    socket.close();
  }
}

/** One question at a time. */
function asker(socket: WebSocket) {
  let id = 0;
  return async (method: string, params: object = {}) => {
    id += 1;
    const mine = id;
    const answered = Promise.withResolvers<z.infer<typeof answerSchema>>();
    const listen = ({ data }: MessageEvent) => {
      const read = answerSchema.safeParse(JSON.parse(String(data)));
      if (read.success && read.data.id === mine) answered.resolve(read.data);
    };
    socket.addEventListener("message", listen);
    socket.send(JSON.stringify({ id, method, params }));
    try {
      return await answered.promise;
    } finally {
      socket.removeEventListener("message", listen);
    }
  };
}
