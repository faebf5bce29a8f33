import type { RegisteredRegister } from "../../registry/meter-record.ts";
import type { JudgedRow } from "./judged-row.ts";

const exportRegister = /^2\.8\.\d+$/;

/** V27: the month counts energy given to the grid, and none of the registers of the master data does that. */
export function isUnexpectedExport(
  { register, consumption }: JudgedRow,
  registers: readonly RegisteredRegister[],
): boolean {
  if (!exportRegister.test(register) || consumption === null || consumption === 0 || registers.length === 0)
    return false;
  return !registers.some((one) => one.direction === "export" || exportRegister.test(one.register));
}
