import { BroadcastChannel } from "node:worker_threads";
import { systemClock } from "@meterbook/core/ports/clock";
import type { AskedCommand, CommandReply, CommandServing } from "@meterbook/core/ports/command-exchange";
import { commandAsking, commandServing } from "@meterbook/core/ports/command-exchange";
import type { Commands } from "@meterbook/core/ports/commands";

type Message =
  | { readonly asked: AskedCommand; readonly reply?: never }
  | { readonly reply: CommandReply; readonly asked?: never };

export interface EmbeddedCommandsOptions {
  /** Keeps processes under test apart. */
  readonly name?: string;
  /** Of the readings log; the embedded one has a single partition. */
  readonly partitions?: number;
}

/** Commands between the threads of one process. */
export function openEmbeddedCommands(options: EmbeddedCommandsOptions = {}): Commands & { close(): Promise<void> } {
  const { name = "", partitions = 1 } = options;
  const channel = new BroadcastChannel(`meterbook.commands:${name}`);
  channel.unref();
  const asking = commandAsking(partitions, systemClock);
  const serving = new Set<CommandServing>();
  channel.onmessage = (event) => {
    const { asked, reply } = (event as unknown as { data: Message }).data;
    if (asked === undefined) asking.take(reply);
    else for (const one of serving) one.take(asked);
  };

  function say(message: Message): void {
    channel.postMessage(message);
  }

  return {
    send: (command, { timeoutMs }) => asking.ask(command, timeoutMs, (asked) => say({ asked })),
    async serve(carryOut) {
      const one = commandServing(carryOut, (reply) => say({ reply }), systemClock);
      serving.add(one);
      return {
        async close() {
          serving.delete(one);
          await one.close();
        },
      };
    },
    close: async () => channel.close(),
  };
}
