import { createRequire } from "node:module";

/** The part of a connection's queue in kafkajs 2.2.4 that is mended here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/**
 * From its first answer on, every connection of kafkajs looks each millisecond whether requests wait that may be sent
 * now, by a timer of negative length: 2 % of a core for a process that does nothing, and Node's TimeoutNegativeWarning.
 * Where none wait there is nothing to look for: whatever comes later is sent at once or begins to look by itself.
 */
export function calmRequestQueue(): void {
  const required: unknown = createRequire(import.meta.url)("kafkajs/src/network/requestQueue/index.js");
  const { prototype } = required as { prototype: RequestQueue };
  const look = prototype.scheduleCheckPendingRequests;
  if (look.name === calmLook.name) return;
  function calmLook(this: RequestQueue): void {
    if (this.pending.length > 0) look.call(this);
  }
  prototype.scheduleCheckPendingRequests = calmLook;
}
