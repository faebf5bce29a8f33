import type { ServerProcess } from "./server-process.ts";

/** The official images, of which only programs and their options are used, never what an entry point does. */
export const images = {
  kafka: "apache/kafka:4.1.0",
  influxdb: "influxdb:2",
  mosquitto: "eclipse-mosquitto:2",
} as const;

export interface ContainerOptions {
  readonly image: string;
  readonly command: readonly string[];
  readonly files?: readonly { readonly target: string; readonly content: string }[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Ports of the container by the port of this machine. */
  readonly ports: readonly { readonly container: number; readonly host: number }[];
  /** Whether it answers by now; a rejection counts as no. */
  readonly answers: () => Promise<boolean>;
  readonly readyMsMax?: number;
}

/** A server in a container that keeps its ports and its data over kills, and is removed by `dispose`. */
export interface ContainerProcess extends ServerProcess {
  dispose(): Promise<void>;
}

/** Starts nothing yet. Pulls the image when it is not there. */
export async function containerProcess(options: ContainerOptions): Promise<ContainerProcess> {
  const { image, command, files = [], environment = {}, ports, answers, readyMsMax = 90_000 } = options;
  // Loaded here, because most runs have native servers and this is a large package.
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import("testcontainers");
  const [program = "", ...args] = command;
  let output = "";
  function heard(chunk: unknown): void {
    output = (output + String(chunk)).slice(-100_000);
  }
  const client = await getContainerRuntimeClient();
  let container: ReturnType<typeof client.container.getById> | undefined;
  let pid = -1;

  async function create(): Promise<void> {
    const started = await new GenericContainer(image)
      .withEntrypoint([program])
      .withCommand([...args])
      .withCopyContentToContainer(files.map((file) => ({ ...file, mode: 0o644 })))
      .withEnvironment({ ...environment })
      .withExposedPorts(...ports)
      .withLogConsumer((stream) => stream.on("data", heard).on("err", heard))
      .withWaitStrategy(Wait.forSuccessfulCommand("true"))
      .start();
    container = client.container.getById(started.getId());
  }

  async function ready(): Promise<void> {
    const deadline = Date.now() + readyMsMax;
    for (;;) {
      const state = (await container?.inspect())?.State;
      pid = state?.Pid ?? -1;
      if (state?.Running !== true) throw new Error(`${image} ended\n${output}`);
      if (await answers().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error(`${image} does not answer after ${readyMsMax} ms\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const state = (await container?.inspect())?.State;
    if (container === undefined || state?.Running !== true) return;
    if (state.Paused) await container.unpause();
    const ended = container.wait();
    await container.kill({ signal });
    await ended;
  }

  return {
    /** Of the machine on which the engine runs. */
    get pid() {
      return pid;
    },
    async start() {
      if (container === undefined) await create();
      else await container.start();
      await ready();
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    pause: () => void container?.pause().catch(heard),
    resume: () => void container?.unpause().catch(heard),
    output: () => output,
    errors: () => output.split("\n").filter((line) => /\b(ERROR|FATAL|panic|error)\b/.test(line)),
    async dispose() {
      await container?.remove({ force: true, v: true });
      container = undefined;
    },
  };
}
