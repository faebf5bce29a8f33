import { Readable } from "node:stream";
import type { ImportResult } from "./import-meters.ts";
import { fewErrors } from "./problem.ts";
import { rowWriter } from "./row-writer.ts";

/** Gathers the answer of an import as bytes, a result per meter: objects would take ten times the memory. */
export interface ImportAnswer {
  add(result: ImportResult): void;
  end(): { readonly bytes: number; readonly stream: Readable };
}

const errorsPerMeterMax = 8;
/** What all errors of an answer may take; results come for every meter, errors of later ones are counted only. */
const errorBytesMax = 8 * 1024 * 1024;
const pieceBytes = 256 * 1024;

export function importAnswer(): ImportAnswer {
  const pieces: Buffer[] = [];
  const writer = rowWriter();
  let [stored, refused, errorBytes, errorsLeftOut] = [0, 0, 0, 0];
  writer.put('{"results":[');

  function refusal(all: ImportResult["errors"]): object {
    refused += 1;
    const errors = fewErrors(all, errorsPerMeterMax);
    const bytes = JSON.stringify(errors).length;
    if (errorBytes + bytes <= errorBytesMax) {
      errorBytes += bytes;
      return { status: "refused", errors };
    }
    errorsLeftOut += all.length;
    return { status: "refused" };
  }

  return {
    add({ line, lines, meterId, errors }) {
      const of = errors.length === 0 ? { status: "stored" } : refusal(errors);
      const comma = stored + refused === (errors.length === 0 ? 0 : 1) ? "" : ",";
      if (errors.length === 0) stored += 1;
      writer.put(comma + JSON.stringify({ line, lines, meterId: meterId?.slice(0, 64) ?? null, ...of }));
      if (writer.length >= pieceBytes) pieces.push(writer.take());
    },
    end() {
      const leftOut = errorsLeftOut === 0 ? "" : `,"errorsLeftOut":${errorsLeftOut}`;
      writer.put(`],"stored":${stored},"refused":${refused}${leftOut}}`);
      pieces.push(writer.take());
      return { bytes: pieces.reduce((sum, piece) => sum + piece.length, 0), stream: Readable.from(pieces) };
    },
  };
}
