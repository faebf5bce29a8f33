import type { Logger } from "@meterbook/runtime/telemetry/telemetry";

const askEveryMs = 25;
const sayEveryMs = 10_000;

/** Resolves when `GET /readyz` answers 200; says every ten seconds why it does not. */
export async function untilReady(httpUrl: string, log: Logger): Promise<void> {
  let saidMs = performance.now();
  for (;;) {
    const answer = await fetch(`${httpUrl}/readyz`);
    const text = await answer.text();
    if (answer.ok) return;
    if (performance.now() - saidMs >= sayEveryMs) {
      saidMs = performance.now();
      log.warn({ readyz: text }, "Not ready yet.");
    }
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}
