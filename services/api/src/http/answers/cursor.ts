import { z } from "zod";
import { ApiProblem } from "../problems/problem.ts";

/**
 * Cursors are opaque to clients: base64url of JSON that names the list it belongs to and the place in it. A cursor of
 * another list, or of the same list asked otherwise, is refused instead of misread.
 */
export interface CursorForm<Place> {
  /** @param scope what the list was asked for (a period, a meter); the same on every page. */
  encode(scope: string, place: Place): string;
  /** @throws ApiProblem `cursor_invalid` */
  decode(scope: string, cursor: string): Place;
}

/** A place in each of 256 shards. */
const cursorLengthMax = 8192;

export function cursorForm<Place>(kind: string, place: z.ZodType<Place>): CursorForm<Place> {
  const form = z.strictObject({ k: z.literal(kind), s: z.string(), p: place });
  return {
    encode: (s, p) => Buffer.from(JSON.stringify({ k: kind, s, p })).toString("base64url"),
    decode(scope, cursor) {
      const read = form.safeParse(jsonOf(cursor));
      if (!read.success) throw invalid(`the cursor is not one that ${kind} gave`);
      if (read.data.s !== scope) throw invalid("the cursor belongs to the same list asked for something else");
      return read.data.p;
    },
  };
}

function jsonOf(cursor: string): unknown {
  if (cursor.length > cursorLengthMax || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

function invalid(message: string): ApiProblem {
  return new ApiProblem("cursor_invalid", message, { errors: [{ field: "cursor", message }] });
}
