import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { expect, test } from "vitest";
import { explainError } from "./explain-error.ts";
import { errorFrom, flatError } from "./flat-error.ts";

const settings = {
  dataDir: "./data",
  mqttListen: { host: "127.0.0.1", port: 1883 },
  httpListen: { host: "127.0.0.1", port: 80 },
};

function failure(fields: object, message = "failed"): Error {
  return Object.assign(new Error(message), fields);
}

test.for([
  { error: { syscall: "listen", code: "EADDRINUSE", address: "127.0.0.1", port: 1883 }, line: "METERBOOK_MQTT_LISTEN" },
  { error: { syscall: "listen", code: "EADDRINUSE", address: "127.0.0.1", port: 80 }, line: "METERBOOK_HTTP_LISTEN" },
  { error: { syscall: "listen", code: "EACCES", address: "127.0.0.1", port: 80 }, line: "above 1023" },
  {
    error: { syscall: "listen", code: "EADDRNOTAVAIL", address: "10.9.9.9", port: 80 },
    line: "address of this machine",
  },
  { error: { syscall: "mkdir", code: "EACCES", path: "/data" }, line: "cannot use /data: EACCES" },
  { error: { syscall: "write", code: "ENOSPC" }, line: "no room" },
  { error: { code: "ECONNREFUSED" }, line: "cannot reach a server" },
])("$error.code of $error.syscall: $line", ({ error, line }) => {
  expect(explainError(failure(error), settings)).toEqual({ line: expect.stringContaining(line), expected: true });
});

test("a data directory in use is told as such", () => {
  const locked = failure({ code: "ERR_SQLITE_ERROR" }, "database is locked");
  expect(explainError(locked, settings).line).toContain("another Meterbook");
});

// H18: "disk is full" without file or setting.
test("a disk without room is told with where it is and the setting", () => {
  const full = failure({ code: "ERR_SQLITE_ERROR" }, "database or disk is full");
  const line = "no room on the disk of ./data (METERBOOK_DATA_DIR)";
  expect(explainError(full, settings)).toEqual({ line, expected: true });
});

test("the cause of an adapter's error is what the operator needs, also from another thread", () => {
  const error = new AdapterError("endpoint_failed", {
    retryable: false,
    cause: failure({ syscall: "listen", code: "EADDRINUSE", address: "127.0.0.1", port: 1883 }),
  });
  expect(explainError(error, settings).line).toContain("METERBOOK_MQTT_LISTEN");
  const copied = errorFrom(structuredClone(flatError(error)));
  expect(explainError(copied, settings)).toEqual(explainError(error, settings));
  expect(copied).toMatchObject({
    name: "AdapterError",
    code: "endpoint_failed",
    retryable: false,
    stack: error.stack,
  });
});

test("a file that another setting names is told by that setting, and not as the data directory's", () => {
  const cause = failure({ code: "ENOENT", path: "/nope" }, "ENOENT: no such file or directory, open '/nope'");
  const error = new Error(`METERBOOK_API_KEYS_FILE /nope: ${cause.message}`, { cause });
  expect(explainError(error, settings)).toEqual({ line: error.message, expected: true });
});

test("anything else is a bug and keeps its stack", () => {
  expect(explainError(new TypeError("x is undefined"), settings)).toEqual({ line: "x is undefined", expected: false });
  expect(explainError("just text", settings)).toEqual({ line: "just text", expected: false });
});
