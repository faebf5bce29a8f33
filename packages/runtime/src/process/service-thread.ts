import { writeSync } from "node:fs";
import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  receiveMessageOnPort,
  type Transferable,
  Worker,
  workerData,
} from "node:worker_threads";
import { errorFrom, type FlatError, flatError } from "./flat-error.ts";
import { type Own, ownedThings } from "./owned-things.ts";

/** A service that runs in a worker thread of this process. */
export interface ServiceThread {
  readonly name: string;
  /** Where it listens, when it does. */
  readonly address: string | undefined;
  /** Asks the thread to close what it owns and waits for its end; rejects when something did not close. */
  close(): Promise<void>;
}

export interface ThreadOptions {
  /** For the log and for error lines. */
  readonly name: string;
  /** How long the thread may take to close before it is cut off. */
  readonly closeMsMax?: number;
  readonly transferList?: readonly Transferable[];
  readonly resourceLimits?: ResourceLimits;
}

/** What a thread's module answers when it has started. */
export interface ThreadStarted {
  readonly address?: string;
}

type FromThread =
  | { readonly kind: "ready"; readonly address: string | undefined }
  | { readonly kind: "failed"; readonly error: FlatError }
  | { readonly kind: "closed"; readonly problems: readonly string[] };

interface ThreadData {
  readonly meterbookThread: { readonly control: MessagePort; readonly data: unknown; readonly closeMsMax: number };
}

const closeMsMaxDefault = 20_000;

/**
 * Starts the module at `url`, which calls `runThread`, with a copy of `data`. Resolves when the thread says that it is
 * ready and rejects with its error when it cannot start. A thread that dies later takes the whole process with it
 * (exit 1 and a line that says so): a process without its aggregator must not look alive.
 */
export async function startThread(url: URL, data: unknown, options: ThreadOptions): Promise<ServiceThread> {
  const { name, closeMsMax = closeMsMaxDefault } = options;
  const { port1: control, port2 } = new MessageChannel();
  const threadData: ThreadData = { meterbookThread: { control: port2, data, closeMsMax } };
  const worker = new Worker(url, {
    name,
    workerData: threadData,
    transferList: [port2, ...(options.transferList ?? [])],
    ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
  });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const address = await firstWord(worker, control);

  let closing: Promise<void> | undefined;
  worker.on("error", (error) => endProcess(name, error));
  worker.on("exit", (code) => {
    if (closing === undefined) endProcess(name, `it ended by itself with code ${code}`);
  });
  return {
    name,
    address,
    close() {
      closing ??= closeThread({ worker, control, exited, name, closeMsMax });
      return closing;
    },
  };
}

/**
 * Called by a thread's module: starts the service with the data of `startThread`, and closes what it owns on request.
 */
export async function runThread<Data>(start: (data: Data, own: Own) => Promise<ThreadStarted>): Promise<void> {
  const { control, data, closeMsMax } = (workerData as ThreadData).meterbookThread;
  const owned = ownedThings();
  async function closeAndEnd(): Promise<void> {
    say(control, { kind: "closed", problems: await owned.closeAll(closeMsMax) });
    control.close();
  }
  control.once("message", () => void closeAndEnd());
  try {
    const { address } = await start(data as Data, owned.own);
    say(control, { kind: "ready", address });
  } catch (error) {
    await owned.closeAll(closeMsMax);
    say(control, { kind: "failed", error: flatError(error) });
    control.close();
  }
}

function say(control: MessagePort, message: FromThread): void {
  control.postMessage(message);
}

/** The address of a thread that is ready, or its error. */
async function firstWord(worker: Worker, control: MessagePort): Promise<string | undefined> {
  const word = Promise.withResolvers<string | undefined>();
  const onMessage = (message: FromThread) => {
    if (message.kind === "ready") word.resolve(message.address);
    if (message.kind === "failed") word.reject(errorFrom(message.error));
  };
  const onExit = (code: number) => {
    const last = lastMessage(control);
    const ended = new Error(`thread ended with code ${code} before it was ready`);
    word.reject(last?.kind === "failed" ? errorFrom(last.error) : ended);
  };
  control.once("message", onMessage);
  worker.once("error", word.reject);
  worker.once("exit", onExit);
  try {
    return await word.promise;
  } catch (error) {
    control.close();
    await worker.terminate();
    throw error;
  } finally {
    worker.off("error", word.reject);
    worker.off("exit", onExit);
  }
}

interface Closing {
  readonly worker: Worker;
  readonly control: MessagePort;
  readonly exited: Promise<void>;
  readonly name: string;
  readonly closeMsMax: number;
}

async function closeThread({ worker, control, exited, name, closeMsMax }: Closing): Promise<void> {
  const answer = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => answer.resolve([`not closed within ${closeMsMax / 1000} s`]), closeMsMax);
  const onMessage = (message: FromThread | undefined) => {
    answer.resolve(message?.kind === "closed" ? message.problems : ["ended before it was closed"]);
  };
  control.once("message", onMessage);
  void exited.then(() => onMessage(lastMessage(control)));
  control.postMessage("close");
  const problems = await answer.promise;
  clearTimeout(timer);
  control.close();
  await worker.terminate();
  await exited;
  if (problems.length > 0) throw new Error(`${name}: ${problems.join("; ")}`);
}

/** The exit of a thread may overtake what it said last. */
function lastMessage(control: MessagePort): FromThread | undefined {
  return (receiveMessageOnPort(control) as { message: FromThread } | undefined)?.message;
}

function endProcess(name: string, reason: unknown): void {
  const detail = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  writeSync(2, `meterbook: thread ${name} died, so the process ends: ${detail}\n`);
  process.exit(1);
}
