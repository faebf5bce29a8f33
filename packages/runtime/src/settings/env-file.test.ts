import { expect, test } from "vitest";
import { readEnvText } from "./env-file.ts";
import { describeProblems, loadSettings } from "./load-settings.ts";

test.for([
  ["METERBOOK_SHARDS: 2", [".env line 1: METERBOOK_SHARDS=value"]],
  ["# mine\n\nMETERBOOK_SHARDS 2", [".env line 3: METERBOOK_SHARDS=value"]],
  ["set METERBOOK_SHARDS=2", [".env line 1: METERBOOK_SHARDS=value"]],
  ["METERBOOK_SHARDS", [".env line 1: METERBOOK_SHARDS=value"]],
  // `parseEnv` knows no line that ends with a carriage return alone: it would be one value.
  ["METERBOOK_LOG_LEVEL=info\rMETERBOOK_SHARDS=2\r", [".env line 2: METERBOOK_SHARDS=value"]],
  [Buffer.from("METERBOOK_SHARDS=2", "utf16le").toString(), [".env: text in UTF-8, and this looks like UTF-16"]],
  ["export METERBOOK_SHARDS=2\r\nMETERBOOK_SETTLE_SECONDS = 3 # not METERBOOK_SHARDS 3\n#METERBOOK_X 1\nOTHER 1", []],
] as const)("%j: %j", ([text, problems]) => {
  expect(readEnvText(text).problems.map(({ name, expected }) => `${name}: ${expected}`)).toEqual(problems);
});

test("a byte order mark is no part of the first name", () => {
  expect(loadSettings({}, { envFile: "\uFEFFMETERBOOK_SHARDS=2" })).toMatchObject({ settings: { shards: 2 } });
});

test("a line that is no setting keeps a process from starting, and its value is not shown", () => {
  const result = loadSettings({}, { envFile: "METERBOOK_INFLUX_TOKEN hush" });
  expect(result.ok ? "started" : describeProblems(result.problems)).toMatch(
    /one setting is wrong.*\n +\.env line 1: expected METERBOOK_INFLUX_TOKEN=value$/,
  );
});

test.for(["meterbook_log_level", "Meterbook_Log_Level"])("%s is no setting, and is told as such", (name) => {
  const expected = "a name of a setting, did you mean METERBOOK_LOG_LEVEL?";
  const problems = [{ name, value: undefined, expected }];
  expect(loadSettings({ [name]: "debug" })).toEqual({ ok: false, problems });
  expect(loadSettings({}, { envFile: `${name}=debug` })).toEqual({ ok: false, problems });
});
