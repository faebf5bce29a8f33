import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import { openToRead, pathOf } from "../directory/directory-files.ts";
import { summedPlaces, wrongPlaces } from "./check-places.ts";
import { tableCheck } from "./check-records.ts";
import { wrongSeals } from "./check-seals.ts";
import type { VerifyPart, VerifyTask } from "./verify-directory.ts";
import type { WrongRow } from "./wrong-row.ts";

/** A thread of `npm run verify`: one task after the other, an answer each. */
const port = parentPort;
if (port === null) throw new Error("this module is a thread of verify");
const { dataDir } = workerData as { dataDir: string };
/** Broken pages say the same many times over. */
const pageRemarksMax = 20;

port.on("message", (task: VerifyTask | null) => {
  if (task === null) port.close();
  else port.postMessage(carryOut(task));
});

function carryOut(task: VerifyTask): VerifyPart {
  const { file } = task;
  try {
    const database = openToRead(pathOf(dataDir, file));
    try {
      if (task.kind === "places") return { rows: 0, bytes: 0, wrong: wrongPlaces(database, file, task.met) };
      if (task.kind === "seals") return { rows: 0, bytes: 0, wrong: [...wrongSeals(database, file, task.kept)] };
      if (task.kind === "rows") {
        const places = summedPlaces();
        const checked = tableCheck(database, task, places).check(task.from, task.to, Number.MAX_SAFE_INTEGER);
        return { ...checked, met: places.met() };
      }
      const remarks = database.prepare(`PRAGMA quick_check(${pageRemarksMax})`).all();
      const texts = remarks.map((row) => String(Object.values(row)[0])).filter((text) => text !== "ok");
      return { rows: 0, bytes: 0, wrong: texts.map((detail) => wrongPages(file, detail)) };
    } finally {
      database.close();
    }
  } catch (error) {
    const part = task.kind === "rows" ? ` ${task.table} ${task.from} to ${task.to}` : "";
    const detail = `${messageOf(error)}${part}`;
    return { rows: 0, bytes: 0, wrong: [wrongPages(file, detail)] };
  }
}

function wrongPages(file: WrongRow["file"], detail: string): WrongRow {
  return { file, code: "record_unreadable", where: "its pages", detail: detail.replace(/\s+/g, " "), meterId: null };
}
