import type { ParseArgsOptionsConfig } from "node:util";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";

export interface Command<Options extends ParseArgsOptionsConfig> {
  /** Shown for `--help`, and after what is wrong with the arguments. */
  readonly usage: string;
  readonly options: Options;
}

/** What a command could not do, in words for whoever called it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

/**
 * A command that does one thing and ends: exit 0 after its last words, 1 with a message where it could not be done, 2
 * with the usage where the arguments are wrong.
 */
export async function runCommand(
  { usage, options }: Command<ParseArgsOptionsConfig>,
  work: (values: Values, say: (line: string) => void) => Promise<number>,
): Promise<void> {
  // What is copied is readings of people's homes: for this user only.
  process.umask(0o077);
  const { values } = optionsOrExit({ usage, options });
  try {
    process.exitCode = await work(values as Values, (line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    process.stderr.write(`${isExpected(error) ? error.message.replace(/^directory_unfit: /, "") : stackOf(error)}\n`);
    process.exitCode = 1;
  }
}

/** The world is the cause, and a stack would only hide what it says: also a file that is not there. */
function isExpected(error: unknown): error is Error {
  return error instanceof Error && (["AdapterError", "CommandError"].includes(error.name) || "syscall" in error);
}

function stackOf(error: unknown): string {
  return String((error as Error).stack ?? error);
}
