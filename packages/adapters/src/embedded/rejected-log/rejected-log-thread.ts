import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { RefusedMessage } from "@meterbook/core/ports/refused-message";
import { rejectionEars } from "../../sqlite-views/rejected-log/rejection-damage.ts";
import { type ForgetRejections, rejectionForgetting } from "../../sqlite-views/rejected-log/rejection-retention.ts";
import { type RejectionWrites, rejectionWrites } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { serveWrites } from "../database/serve-writes.ts";
import { type OpenedAs, openedFile } from "../opened-file.ts";
import { openRejectedDatabase, rejectedWhere } from "./rejected-database.ts";

/** A message whose payload stands in the request's `payloads`, the next so many bytes of them. */
export interface PackedMessage extends Omit<RefusedMessage, "payload"> {
  readonly payloadBytes: number;
}

/** The thread in which the rejected log is written: who fills it must not hold up those who take messages. */
export type RejectedRequest =
  | { readonly kind: "append"; readonly messages: readonly PackedMessage[]; readonly payloads: Uint8Array }
  | { readonly kind: "replayed"; readonly entry: number; readonly atMs: number }
  | { readonly kind: "forget"; readonly beforeMs: number }
  | { readonly kind: "close" };

export interface RejectedWriterData {
  readonly dataDir: string;
  /** The file that those who read have open. */
  readonly opened: OpenedAs;
}

export interface RejectedResult {
  /** Of a `forget`. */
  readonly forgotten?: ReturnType<ForgetRejections>;
  /** What was found meanwhile. */
  readonly damages: readonly Damage[];
}

interface Open {
  readonly database: DatabaseSync;
  readonly writes: RejectionWrites;
  readonly forget: ForgetRejections;
}

const { dataDir, opened } = workerData as RejectedWriterData;
const file = openedFile(join(dataDir, "rejected.db"), opened);
let damages: Damage[] = [];

serveWrites<Open, RejectedRequest>({ connect, file }, (open, request): RejectedResult => {
  damages = [];
  const { database } = open;
  database.exec("BEGIN IMMEDIATE");
  const forgotten = carryOut(open, request);
  database.exec("COMMIT");
  return forgotten === undefined ? { damages } : { forgotten, damages };
});

/** Answers what was forgotten. */
function carryOut({ writes, forget }: Open, request: Exclude<RejectedRequest, { kind: "close" }>) {
  if (request.kind === "forget") return forget(request.beforeMs);
  if (request.kind === "replayed") writes.markReplayed(request.entry, request.atMs);
  else addAll(writes, request);
  return undefined;
}

function addAll(writes: RejectionWrites, { messages, payloads }: Extract<RejectedRequest, { kind: "append" }>): void {
  let at = 0;
  for (const { payloadBytes, ...message } of messages) {
    writes.add({ ...message, payload: payloads.subarray(at, at + payloadBytes) }, null);
    at += payloadBytes;
  }
}

function connect(): Open {
  const database = openRejectedDatabase(dataDir);
  const ears = rejectionEars(rejectedWhere, { tell: (damage) => void damages.push(damage), nowMs: () => Date.now() });
  return { database, writes: rejectionWrites(database, ears), forget: rejectionForgetting(database) };
}
