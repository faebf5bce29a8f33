import { vi } from "vitest";

/** As for `expect.poll` in vitest.config.ts: a wait ends as soon as it holds, and a second is no time to judge by. */
const waitMsMax = 15_000;

const { waitFor, waitUntil } = vi;

/** Where a test says nothing of how long. */
const patient = <Options extends object>(options: number | Options | undefined) =>
  typeof options === "number" ? options : { timeout: waitMsMax, ...options };

vi.waitFor = (holds, options) => waitFor(holds, patient(options));
vi.waitUntil = (holds, options) => waitUntil(holds, patient(options));
