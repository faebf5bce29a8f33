import { parseArgs } from "node:util";
import type { z } from "zod";
import { flagOf } from "./meters/fleet-options.ts";

/** A command's options as a schema: descriptions are the help, defaults are the defaults. */
type OptionsSchema = z.ZodObject;

/** What a command line says, by option name; texts that look like numbers are numbers where the option is one. */
export interface CommandLine {
  readonly values: Record<string, unknown>;
  readonly help: boolean;
  readonly problems: readonly string[];
}

export function readCommandLine(schema: OptionsSchema, args: readonly string[]): CommandLine {
  const names = new Map(Object.keys(schema.shape).map((name) => [flagOf(name).slice(2), name]));
  const options = Object.fromEntries(
    [...names].map(([flag, name]) => [
      flag,
      { type: isSwitch(schema, name) ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: withEmptyValues(args, (flag) => options[flag]?.type === "string"),
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") problems.push(`${token.value}: what is this? options begin with --`);
    if (token.kind !== "option" || token.name === "help") continue;
    const name = names.get(token.name);
    if (name === undefined) problems.push(`${token.rawName} is no option; --help lists them`);
    else if (isSwitch(schema, name)) values[name] = true;
    else if (token.value === undefined || token.value === "") problems.push(`${token.rawName} needs a value`);
    else values[name] = isText(schema, name) ? token.value : numberOr(token.value);
  }
  return { values, help: tokens.some((token) => token.kind === "option" && token.name === "help"), problems };
}

/** `--from --lost 2` leaves out a value; without this, `--lost` would be taken for it. */
function withEmptyValues(args: readonly string[], takesValue: (flag: string) => boolean): string[] {
  const isFollowed = (index: number) => !(args[index + 1] ?? "--").startsWith("--");
  return args.map((arg, index) => (takesValue(arg.slice(2)) && !isFollowed(index) ? `${arg}=` : arg));
}

/** One line for each option with its default. */
export function helpText(schema: OptionsSchema, usage: string): string {
  const names = Object.keys(schema.shape);
  const width = Math.max(...names.map((name) => flagOf(name).length)) + 2;
  const lines = names.map((name) => {
    const option = schema.shape[name] as z.ZodType;
    const fallback = defaultOf(schema, name);
    const said = fallback === undefined || fallback === false ? "" : ` (${String(fallback)})`;
    return `  ${flagOf(name).padEnd(width)}${option.description ?? ""}${said}`;
  });
  return [usage, "", ...lines, `  ${"--help".padEnd(width)}this text`].join("\n");
}

function defaultOf(schema: OptionsSchema, name: string): unknown {
  return (schema.shape[name] as z.ZodType).safeParse(undefined).data;
}

function isSwitch(schema: OptionsSchema, name: string): boolean {
  return defaultOf(schema, name) === false;
}

/** An option whose schema takes a text that is no number; numbers stay numbers everywhere else. */
function isText(schema: OptionsSchema, name: string): boolean {
  if (typeof defaultOf(schema, name) === "string") return true;
  const option = schema.shape[name] as z.ZodType;
  const issue = option.safeParse(0).error?.issues[0];
  return issue?.code === "invalid_type" && issue.expected === "string";
}

function numberOr(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
