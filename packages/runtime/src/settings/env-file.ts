import { parseEnv } from "node:util";
import type { SettingProblem } from "./setting-problem.ts";

export interface EnvFile {
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly problems: readonly SettingProblem[];
}

/** What `parseEnv` passes over would silently mean a default: a line that names a setting and gives it no value. */
export function readEnvText(text: string): EnvFile {
  if (text.includes("\0"))
    return { values: {}, problems: [problem(".env", "text in UTF-8, and this looks like UTF-16")] };
  const values = parseEnv(text.replace(/^\uFEFF/, ""));
  const problems = text.split(/\r\n|\n|\r/).flatMap((line, index) => {
    const [, name] = /^[^#="'`]*?\b(METERBOOK_\w*)/i.exec(line) ?? [];
    return name === undefined || Object.hasOwn(values, name)
      ? []
      : [problem(`.env line ${index + 1}`, `${name}=value`)];
  });
  return { values, problems };
}

/** Without what stands in the line: it may be a secret. */
function problem(name: string, expected: string): SettingProblem {
  return { name, value: undefined, expected };
}
