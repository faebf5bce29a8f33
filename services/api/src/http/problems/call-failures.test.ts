import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { expect, test } from "vitest";
import { callFailures } from "./call-failures.ts";

// D12: while a server is away each call fails, and each was a line with a stack.
test("calls that fail for want of storage are one notice; a bug is a line each", () => {
  const lines: string[] = [];
  const log = openLogger({ name: "api", level: "info", format: "text", write: (line) => void lines.push(line) });
  const notices = standingProblems({ log, kind: "notice" });
  const failed = callFailures(log, notices);
  for (let call = 0; call < 30; call += 1)
    failed({ route: "/v1/status", code: "storage_unavailable", cause: new Error("database or disk is full") });
  expect(notices.current()).toEqual(["calls cannot be answered: database or disk is full"]);
  expect(lines).toHaveLength(1);
  failed({ route: "/v1/status", code: "internal_error", cause: new TypeError("x is not a function") });
  expect(lines).toHaveLength(2);
});
