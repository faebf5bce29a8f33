import { BroadcastChannel } from "node:worker_threads";
import { AggregatorRegistry, Gauge, type MetricObjectWithValues, type MetricValue, Registry } from "prom-client";

const channelName = "meterbook.metrics";

type Metrics = MetricObjectWithValues<MetricValue<string>>[];
type Message =
  | { readonly kind: "asked"; readonly question: string }
  | { readonly kind: "answered"; readonly question: string; readonly thread: string; readonly metrics: Metrics };

/** Answers for one thread's registry whenever a hub of this process asks. */
export function serveThreadMetrics(registry: Registry, thread: string): { close(): void } {
  const channel = openChannel((message) => {
    if (message.kind === "asked") void answer(message.question);
  });
  async function answer(question: string): Promise<void> {
    const metrics = (await registry.getMetricsAsJSON()) as Metrics;
    channel.post({ kind: "answered", question, thread, metrics });
  }
  return channel;
}

export interface MetricsHub {
  /** The content type of `collect`'s text. */
  readonly contentType: string;
  /**
   * The metrics of all threads in one Prometheus text: what has the same name and labels is added up. Resolves when
   * every expected thread has answered, or after `timeoutMs` with what has come; `meterbook_thread_up` is 0 for the
   * rest.
   */
  collect(timeoutMs: number): Promise<string>;
  close(): void;
}

/** Asks all threads of this process, also the own one, for their metrics. `threads` are those that must answer. */
export function metricsHub(threads: readonly string[]): MetricsHub {
  const questions = new Map<string, (thread: string, metrics: Metrics) => void>();
  const hubId = crypto.randomUUID();
  let asked = 0;
  const channel = openChannel((message) => {
    if (message.kind === "answered") questions.get(message.question)?.(message.thread, message.metrics);
  });

  async function ask(timeoutMs: number): Promise<Map<string, Metrics>> {
    const question = `${hubId}/${asked++}`;
    const answers = new Map<string, Metrics>();
    const complete = Promise.withResolvers<void>();
    questions.set(question, (thread, metrics) => {
      answers.set(thread, metrics);
      if (threads.every((name) => answers.has(name))) complete.resolve();
    });
    const timer = setTimeout(complete.resolve, timeoutMs);
    channel.post({ kind: "asked", question });
    await complete.promise;
    clearTimeout(timer);
    questions.delete(question);
    return answers;
  }

  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async collect(timeoutMs) {
      const answers = await ask(timeoutMs);
      const up = await threadsUp(threads, answers);
      return await AggregatorRegistry.aggregate([...answers.values(), up]).metrics();
    },
    close: channel.close,
  };
}

async function threadsUp(threads: readonly string[], answers: ReadonlyMap<string, Metrics>): Promise<Metrics> {
  const registry = new Registry();
  const gauge = new Gauge({
    name: "meterbook_thread_up",
    help: "1 when the thread answered this scrape in time, 0 when not.",
    labelNames: ["thread"],
    registers: [registry],
  });
  for (const thread of new Set([...threads, ...answers.keys()])) gauge.set({ thread }, answers.has(thread) ? 1 : 0);
  return (await registry.getMetricsAsJSON()) as Metrics;
}

function openChannel(take: (message: Message) => void) {
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = (event) => take((event as { data: Message }).data);
  // A service must be able to end while it could still be asked.
  channel.unref();
  return { post: (message: Message) => channel.postMessage(message), close: () => channel.close() };
}
