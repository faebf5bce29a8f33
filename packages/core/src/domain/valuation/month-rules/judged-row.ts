import type { RegisterSnapshot } from "../../snapshot/snapshot.ts";

/** What rules that look at all of a month know of a row. */
export type JudgedRow = Pick<
  RegisterSnapshot,
  "register" | "unit" | "consumption" | "quality" | "method" | "from" | "to" | "openingAt"
>;
