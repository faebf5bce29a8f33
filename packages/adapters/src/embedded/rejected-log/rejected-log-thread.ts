import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { rejectionEars } from "../../sqlite-views/rejected-log/rejection-damage.ts";
import {
  type ForgetRejections,
  type ForgetSender,
  rejectionForgetting,
  senderForgetting,
} from "../../sqlite-views/rejected-log/rejection-retention.ts";
import { type RejectionWrites, rejectionWrites } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { type OpenedAs, openedFile } from "../database/opened-file.ts";
import { serveWrites } from "../database/serve-writes.ts";
import { type PackedRejections, unpackMessages } from "./packed-rejections.ts";
import { openRejectedDatabase, rejectedWhere } from "./rejected-database.ts";

/** The thread in which the rejected log is written: who fills it must not hold up those who take messages. */
export type RejectedRequest =
  | ({ readonly kind: "append" } & PackedRejections)
  | { readonly kind: "replayed"; readonly entry: number; readonly atMs: number }
  | { readonly kind: "forget"; readonly beforeMs: number }
  | { readonly kind: "empty"; readonly sender: string; readonly afterPlace: number }
  | { readonly kind: "close" };

export interface RejectedWriterData {
  readonly dataDir: string;
  /** The file that those who read have open. */
  readonly opened: OpenedAs;
}

export interface RejectedResult {
  /** Of a `forget` and an `empty`. */
  readonly forgotten?: ReturnType<ForgetSender>;
  /** What was found meanwhile. */
  readonly damages: readonly Damage[];
}

interface Open {
  readonly database: DatabaseSync;
  readonly writes: RejectionWrites;
  readonly forget: ForgetRejections;
  readonly forgetSender: ForgetSender;
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
function carryOut({ writes, forget, forgetSender }: Open, request: Exclude<RejectedRequest, { kind: "close" }>) {
  if (request.kind === "forget") return { ...forget(request.beforeMs), last: 0 };
  if (request.kind === "empty") return forgetSender(request.sender, request.afterPlace);
  if (request.kind === "replayed") writes.markReplayed(request.entry, request.atMs);
  else for (const message of unpackMessages(request)) writes.add(message, null);
  return undefined;
}

function connect(): Open {
  const database = openRejectedDatabase(dataDir);
  const ears = rejectionEars(rejectedWhere, { tell: (damage) => void damages.push(damage), nowMs: () => Date.now() });
  const [forget, forgetSender] = [rejectionForgetting(database), senderForgetting(database)];
  return { database, writes: rejectionWrites(database, ears), forget, forgetSender };
}
