import { Readable } from "node:stream";
import { rowWriter } from "../../http/answers/row-writer.ts";
import { fewErrors } from "../../http/problems/problem.ts";
import type { ImportResult } from "./import-rows.ts";

/** Gathers the answer of an import as bytes, a result per record: objects would take ten times the memory. */
export interface ImportAnswer {
  add(result: ImportResult): void;
  end(): { readonly bytes: number; readonly stream: Readable };
}

const errorsPerRecordMax = 8;
/** What all errors of an answer may take; results come for every record, errors of later ones are counted only. */
const errorBytesMax = 8 * 1024 * 1024;
const pieceBytes = 256 * 1024;

/** @param idMember how the id is called in a result */
export function importAnswer(idMember: string): ImportAnswer {
  const pieces: Buffer[] = [];
  const writer = rowWriter();
  let [stored, refused, errorBytes, errorsLeftOut] = [0, 0, 0, 0];
  writer.put('{"results":[');

  function outcome(all: ImportResult["errors"]): string {
    if (all.length === 0) return '"status":"stored"';
    const errors = JSON.stringify(fewErrors(all, errorsPerRecordMax));
    if (errorBytes + errors.length <= errorBytesMax) {
      errorBytes += errors.length;
      return `"status":"refused","errors":${errors}`;
    }
    errorsLeftOut += all.length;
    return '"status":"refused"';
  }

  return {
    add({ line, lines, id, errors }) {
      const comma = stored + refused === 0 ? "" : ",";
      if (errors.length === 0) stored += 1;
      else refused += 1;
      const named = id === null ? "null" : JSON.stringify(id.slice(0, 64));
      writer.put(`${comma}{"line":${line},"lines":${lines},"${idMember}":${named},${outcome(errors)}}`);
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
