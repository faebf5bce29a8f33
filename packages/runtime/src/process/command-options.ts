import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { messageOf } from "@meterbook/core/ports/adapter-error";

export interface CommandForm<Options extends ParseArgsOptionsConfig> {
  /** Shown for `--help`, and after what is wrong with the options. Its first line is the command as one types it. */
  readonly usage: string;
  readonly options?: Options;
  /** Whether words without dashes are taken. */
  readonly takesWords?: boolean;
}

/**
 * The options of a command. `--help` prints the usage and ends the process with 0; options that do not exist or have no
 * value end it with 2 and say which.
 */
export function optionsOrExit<const Options extends ParseArgsOptionsConfig = Record<never, never>>({
  usage,
  options,
  takesWords = false,
}: CommandForm<Options>) {
  const help = { help: { type: "boolean", short: "h", default: false } } as const;
  try {
    const all = { ...(options ?? ({} as Options)), ...help };
    const { values, positionals } = parseArgs({ options: all, allowPositionals: takesWords });
    if ((values as { help?: boolean }).help !== true) return { values, words: positionals };
  } catch (error) {
    return wrongOptions(messageOf(error), usage);
  }
  process.stdout.write(`${usage}\n`);
  return process.exit(0);
}

/** Ends the process with 2: what is wrong with the options, then the usage. */
export function wrongOptions(problem: string, usage: string): never {
  process.stderr.write(`${problem}\n\n${usage}\n`);
  return process.exit(2);
}
