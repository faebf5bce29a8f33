import { BroadcastChannel } from "node:worker_threads";

const channelName = "meterbook.health";

/** How one part of the process is. */
export interface Health {
  /** The part, for example `readings-log`; stable, because operators alert on it. */
  readonly name: string;
  readonly ok: boolean;
  /** What is wrong and what helps, in words; empty when nothing is wrong. */
  readonly detail: string;
  /** What an operator should know while the work goes on. */
  readonly notices?: readonly string[];
}

type Message = { readonly kind: "asked" } | { readonly kind: "told"; readonly parts: readonly Health[] };

export interface HealthPublisher {
  /** The part's health from now on, until it is reported again. */
  report(health: Health): void;
  close(): void;
}

/**
 * Tells the watchers of this process, in whatever thread they are, how parts of this thread are: on every change, when
 * a watcher asks, and every `heartbeatMs`, so that a thread that hangs is noticed by its silence.
 */
export function publishHealth({ heartbeatMs = 2_000 }: { heartbeatMs?: number } = {}): HealthPublisher {
  const parts = new Map<string, Health>();
  const channel = openChannel((message) => {
    if (message.kind === "asked") tell();
  });
  function tell(): void {
    if (parts.size > 0) channel.post({ kind: "told", parts: [...parts.values()] });
  }
  const heart = setInterval(tell, heartbeatMs);
  heart.unref();
  return {
    report(health) {
      parts.set(health.name, health);
      channel.post({ kind: "told", parts: [health] });
    },
    close() {
      clearInterval(heart);
      channel.close();
    },
  };
}

export interface HealthProblem {
  readonly name: string;
  readonly detail: string;
}

export interface HealthWatch {
  /** `ready` when every expected part has reported, all that reported are well, and none has fallen silent. */
  current(): {
    readonly ready: boolean;
    readonly problems: readonly HealthProblem[];
    readonly notices: readonly string[];
  };
  close(): void;
}

export interface WatchOptions {
  /** Parts without which the process is not ready. */
  readonly expected: readonly string[];
  readonly silentMsMax?: number;
  readonly nowMs?: () => number;
}

/** Gathers what all threads of this process report, also what they reported before. */
export function watchHealth({
  expected,
  silentMsMax = 8_000,
  nowMs = () => performance.now(),
}: WatchOptions): HealthWatch {
  const heard = new Map<string, { health: Health; atMs: number }>();
  const channel = openChannel((message) => {
    if (message.kind !== "told") return;
    for (const health of message.parts) heard.set(health.name, { health, atMs: nowMs() });
  });
  channel.post({ kind: "asked" });

  function problemOf(name: string): HealthProblem | undefined {
    const last = heard.get(name);
    if (last === undefined) return { name, detail: "has not started" };
    if (!last.health.ok) return { name, detail: last.health.detail };
    const silentMs = nowMs() - last.atMs;
    if (silentMs > silentMsMax) return { name, detail: `has not been heard of for ${Math.round(silentMs / 1000)} s` };
    return undefined;
  }
  return {
    current() {
      const names = [...new Set([...expected, ...heard.keys()])];
      const problems = names.map(problemOf).filter((problem) => problem !== undefined);
      const notices = [...heard.values()].flatMap(({ health }) => health.notices ?? []);
      return { ready: problems.length === 0, problems, notices };
    },
    close: channel.close,
  };
}

function openChannel(take: (message: Message) => void) {
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = (event) => take((event as { data: Message }).data);
  channel.unref();
  return { post: (message: Message) => channel.postMessage(message), close: () => channel.close() };
}
