import { BroadcastChannel } from "node:worker_threads";
import type { Command, CommandOutcome, Commands } from "@meterbook/core/ports/commands";

type Message =
  | { readonly kind: "asked"; readonly id: string; readonly command: Command }
  | { readonly kind: "done"; readonly id: string; readonly outcome: CommandOutcome }
  | { readonly kind: "failed"; readonly id: string; readonly detail: string };

/** Commands between the threads of one process, which has one aggregator. `name` keeps processes under test apart. */
export function openEmbeddedCommands(options: { name?: string } = {}): Commands & { close(): Promise<void> } {
  const channel = new BroadcastChannel(`meterbook.commands:${options.name ?? ""}`);
  channel.unref();
  const waiting = new Map<string, (message: Message) => void>();
  let carryOut: ((command: Command) => Promise<CommandOutcome>) | undefined;
  channel.onmessage = (event) => {
    const message = (event as unknown as { data: Message }).data;
    if (message.kind !== "asked") waiting.get(message.id)?.(message);
    else if (carryOut !== undefined) void answer(message.id, message.command, carryOut);
  };

  async function answer(
    id: string,
    command: Command,
    work: (command: Command) => Promise<CommandOutcome>,
  ): Promise<void> {
    try {
      say({ kind: "done", id, outcome: await work(command) });
    } catch (error) {
      say({ kind: "failed", id, detail: error instanceof Error ? error.message : String(error) });
    }
  }

  function say(message: Message): void {
    channel.postMessage(message);
  }

  return {
    async send(command, { timeoutMs }) {
      const id = crypto.randomUUID();
      const outcome = Promise.withResolvers<CommandOutcome>();
      const timer = setTimeout(
        () => outcome.reject(new Error(`no aggregator answered within ${timeoutMs} ms`)),
        timeoutMs,
      );
      waiting.set(id, (message) => {
        if (message.kind === "done") outcome.resolve(message.outcome);
        else if (message.kind === "failed") outcome.reject(new Error(`the aggregator failed: ${message.detail}`));
      });
      try {
        say({ kind: "asked", id, command });
        return await outcome.promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(id);
      }
    },
    async serve(work) {
      carryOut = work;
      return {
        close: async () => {
          carryOut = undefined;
        },
      };
    },
    close: async () => channel.close(),
  };
}
