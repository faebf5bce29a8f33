import type { BaseUnit } from "./reading.ts";

/** The form of a meter id and of a usage point id: safe in a topic, a path, a file name and a CSV cell. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

const obis = /^(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\*255)?$/;

/**
 * The canonical form of an OBIS code: short `C.D.E` for electricity (`1-0:`), full `A-B:C.D.E` for anything else.
 * Undefined when it is not an OBIS code (groups 0 to 255 without leading zeros), so one quantity has one name.
 * Group F may be `*255`, which means "the current value" and is dropped; a past billing period's value is refused.
 */
export function canonicalRegister(text: string): string | undefined {
  const groups = obis.exec(text)?.slice(1);
  if (groups === undefined) return undefined;
  for (const group of groups) {
    if (group !== undefined && (Number(group) > 255 || (group.length > 1 && group.startsWith("0")))) return undefined;
  }
  const code = text.endsWith("*255") ? text.slice(0, -4) : text;
  return code.startsWith("1-0:") ? code.slice(4) : code;
}

/** Group C of electricity, the same for the sum (1-20) and each phase (21-40, 41-60, 61-80). */
const activeQuantities = new Set([1, 2, 15, 16, 17, 18, 19, 20]);
const reactiveQuantities = new Set([3, 4, 5, 6, 7, 8]);

/** The base unit that a canonical electricity register must have; undefined where the code leaves it open. */
export function registerUnit(register: string): BaseUnit | undefined {
  if (register.includes(":") && !register.startsWith("1-")) return undefined;
  const quantity = Number(register.slice(register.indexOf(":") + 1).split(".", 1)[0]);
  if (quantity < 1 || quantity > 80) return undefined;
  const ofOnePhase = ((quantity - 1) % 20) + 1;
  if (activeQuantities.has(ofOnePhase)) return "Wh";
  return reactiveQuantities.has(ofOnePhase) ? "varh" : undefined;
}
