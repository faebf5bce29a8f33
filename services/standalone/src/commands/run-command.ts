import type { ParseArgsOptionsConfig } from "node:util";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";

export interface Command<Options extends ParseArgsOptionsConfig> {
  /** Shown for `--help`, and after what is wrong with the arguments. */
  readonly usage: string;
  readonly options: Options;
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
    const known = error instanceof Error && error.name === "AdapterError";
    const text = known ? error.message.replace(/^directory_unfit: /, "") : String((error as Error).stack ?? error);
    process.stderr.write(`${text}\n`);
    process.exitCode = 1;
  }
}
