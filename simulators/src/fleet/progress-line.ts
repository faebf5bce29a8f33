import type { Fleet } from "./fleet.ts";

const everyMs = 1000;

/** Shows how far a fleet is, a line a second, in place on a terminal; answers how to end it. */
export function showProgress(fleet: Fleet, out: NodeJS.WriteStream): () => void {
  let before = { acknowledged: 0, atMs: performance.now() };
  function show(end: string): void {
    const { messages, acknowledged, readings, resent, simulatedTo } = fleet.now();
    const atMs = performance.now();
    const rate = Math.round(((acknowledged - before.acknowledged) * 1000) / Math.max(atMs - before.atMs, 1));
    before = { acknowledged, atMs };
    const clock = new Date(simulatedTo * 1000).toISOString().slice(0, 16).replace("T", " ");
    const again = resent > 0 ? `, ${resent} sent again` : "";
    out.write(
      `sent ${messages} (${readings} readings), acknowledged ${acknowledged}, ${rate}/s, simulated ${clock}Z${again}${end}`,
    );
  }
  const inPlace = out.isTTY ? "\u001b[K\r" : "\n";
  const timer = setInterval(() => show(inPlace), everyMs);
  return () => {
    clearInterval(timer);
    show("\n");
  };
}
